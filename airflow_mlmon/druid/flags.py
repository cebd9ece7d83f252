"""Flag columns for values that Druid cannot store: NaN and ±inf are null in their column, and named beside it.

Labels of rows whose outcome will never be labelled are flagged too. A column without such values gets no flag
column. Zero loses its sign, because Druid distinguishes -0.0 from 0.0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType
from airflow_mlmon.errors import ConfigError

_SUFFIX = "__flag"


class Flag(StrEnum):
    """Original value of a cell that is null in its column."""

    NAN = "nan"
    POSITIVE_INFINITY = "inf"
    NEGATIVE_INFINITY = "-inf"
    EXCLUDED = "excluded"


class Flagged(NamedTuple):
    """Rows with their flag columns, and the names of the flagged columns."""

    rows: pa.Table
    names: tuple[str, ...]


def name_flag_column(name: str) -> str:
    """Return the name of the flag column of a column.

    >>> name_flag_column("score")
    'score__flag'
    """
    return name + _SUFFIX


def add_flags(
    rows: pa.Table, wanted: Collection[str] = (), excluded: Mapping[str, pa.ChunkedArray] | None = None
) -> Flagged:
    """Add flag columns to the columns with NaN or ±inf, and to those that other rows need them for.

    >>> add_flags(pa.table({"x": [0.5, float("-inf")], "y": [0.5, None]}))[0].to_pydict()
    {'x': [0.5, -inf], 'y': [0.5, None], 'x__flag': [None, '-inf']}

    Args:
        rows: the rows.
        wanted: columns that get a flag column, whatever these rows hold.
        excluded: by name of the label, whether a row will never have one; its label becomes null, and is flagged.

    Raises:
        ConfigError: another column has the name of a flag column.
    """
    names = []
    for at, field in enumerate(rows.schema):
        values, flags = rows.column(at), None
        if pa.types.is_floating(field.type):
            numbers = values.cast(pa.float64())
            values = pc.add(numbers, 0.0)
            flags = None if pc.all(pc.is_finite(numbers)).as_py() is not False else _name_values(numbers)
        without = (excluded or {}).get(field.name)
        if without is not None and pc.any(without).as_py():
            values = pc.if_else(without, pa.scalar(None, values.type), values)
            flags = pc.if_else(without, Flag.EXCLUDED.value, pa.scalar(None, pa.string()) if flags is None else flags)
        rows = rows.set_column(at, field.name, values)
        if flags is not None or field.name in wanted:
            rows = _append(rows, field.name, pa.nulls(rows.num_rows, pa.string()) if flags is None else flags)
            names.append(field.name)
    return Flagged(rows, tuple(names))


def add_flag_dimensions(datasource: Datasource, names: Iterable[str]) -> Datasource:
    """Add the flag columns of these columns to the datasource."""
    flags = (Dimension(name=name_flag_column(name), type=DimensionType.STRING) for name in names)
    return replace(datasource, dimensions=(*datasource.dimensions, *flags))


def _append(rows: pa.Table, name: str, flags: pa.ChunkedArray | pa.Array) -> pa.Table:
    flag = name_flag_column(name)
    if flag in rows.column_names:
        raise ConfigError(
            f"The column name {flag!r} is reserved for values that {name!r} cannot hold in Druid.",
            hint="rename the column in the archive",
        )
    return rows.append_column(flag, flags)


def _name_values(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    of_infinity = pc.if_else(pc.greater(numbers, 0.0), Flag.POSITIVE_INFINITY.value, Flag.NEGATIVE_INFINITY.value)
    named = pc.if_else(pc.is_nan(numbers), Flag.NAN.value, of_infinity)
    return pc.if_else(pc.is_finite(numbers), pa.scalar(None, pa.string()), named)
