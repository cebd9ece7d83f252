"""Derived columns of rows, computed for their profile."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from airflow_mlmon.profiles.schema import ColumnSchema, Derivation
from airflow_mlmon.profiles.values.reading import named_column
from airflow_mlmon.profiles.values.times import derive_time
from airflow_mlmon.spec.times import TimeFeature


def derive(derived: Derivation, sources: Sequence[pa.Array]) -> pa.Array:
    """Derive the values of a column from those of its sources.

    Raises:
        SchemaMismatchError: the sources have another type than declared.
    """
    with named_column(sources[0], derived.columns[0]):
        return derive_time(TimeFeature(derived.feature), sources, derived.zone)


def with_derived(rows: pa.Table, columns: Sequence[ColumnSchema]) -> pa.Table:
    """Return the rows with those derived columns whose sources they have."""
    names = set(rows.column_names)
    for column in columns:
        if column.derived is not None and names.issuperset(column.sources):
            rows = rows.append_column(column.name, derive_chunks(column.derived, rows))
    return rows


def derive_chunks(derived: Derivation, rows: pa.Table) -> pa.ChunkedArray:
    """Derive the values of a column from rows that have its sources, batch by batch."""
    empty = derive(derived, [pa.array([], rows.schema.field(name).type) for name in derived.columns])
    batches = rows.select(list(derived.columns)).to_batches()
    return pa.chunked_array([derive(derived, batch.columns) for batch in batches], empty.type)
