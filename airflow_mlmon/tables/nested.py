"""Columns of objects, as one column for each of their fields."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa


def flatten_objects(table: pa.Table) -> pa.Table:
    """Replace each column of objects by its fields, with dotted names, at any depth.

    >>> flatten_objects(pa.table({"a": [{"b": {"c": 1}}]})).column_names
    ['a.b.c']
    """
    while any(pa.types.is_struct(kind) and kind.num_fields for kind in table.schema.types):
        table = table.flatten()
    return table


def drop_columns(table: pa.Table, names: Collection[str]) -> pa.Table:
    """Return the table without all columns of these names, which may occur twice."""
    if not names:
        return table
    return table.select([place for place, name in enumerate(table.column_names) if name not in names])
