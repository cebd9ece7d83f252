"""Flag columns for values that Druid cannot store: NaN and ±inf are null in their column, and named beside it.

Labels of rows whose outcome will never be labelled are flagged too. A column without such values gets no flag
column. Zero loses its sign, because Druid distinguishes -0.0 from 0.0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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


def find_flagged(tables: Iterable[pa.Table]) -> frozenset[str]:
    """Find the columns with NaN or ±inf.

    >>> find_flagged([pa.table({"x": [0.5, None]}), pa.table({"x": [float("nan"), 1.0]})])
    frozenset({'x'})
    """
    return frozenset(
        field.name
        for table in tables
        for field, values in zip(table.schema, table.columns, strict=True)
        if pa.types.is_floating(field.type) and pc.all(pc.is_finite(values)).as_py() is False
    )


def add_flags(rows: pa.Table, flagged: Collection[str] | None = None) -> Flagged:
    """Add flag columns to the columns with NaN or ±inf.

    >>> add_flags(pa.table({"x": [0.5, float("-inf")], "y": [0.5, None]}))[0].to_pydict()
    {'x': [0.5, -inf], 'y': [0.5, None], 'x__flag': [None, '-inf']}

    Args:
        rows: the rows.
        flagged: the columns with such values among these or other rows; by default those of these rows.

    Raises:
        ConfigError: another column has the name of a flag column.
    """
    wanted = find_flagged([rows]) if flagged is None else flagged
    names = []
    for at, field in enumerate(rows.schema):
        if not pa.types.is_floating(field.type):
            continue
        numbers = rows.column(at).cast(pa.float64())
        rows = rows.set_column(at, field.name, pc.add(numbers, 0.0))
        if field.name in wanted:
            rows = _flagged(rows, field.name, _named(numbers))
            names.append(field.name)
    return Flagged(rows, tuple(names))


def add_labels(
    rows: pa.Table, name: str, labels: pa.ChunkedArray, excluded: pa.ChunkedArray, *, is_flagged: bool | None = None
) -> Flagged:
    """Add the labels; excluded rows have none, which a flag column states if there are any.

    `is_flagged` says whether there are any among these or other rows; by default among these.

    >>> labels, excluded = pa.chunked_array([[True, True]]), pa.chunked_array([[True, False]])
    >>> add_labels(pa.table({"x": [1, 2]}), "paid", labels, excluded).rows.to_pydict()
    {'x': [1, 2], 'paid': [None, True], 'paid__flag': ['excluded', None]}

    Raises:
        ConfigError: another column has the name of the flag column.
    """
    rows = rows.append_column(name, pc.if_else(excluded, pa.scalar(None, labels.type), labels))
    if not (pc.any(excluded).as_py() if is_flagged is None else is_flagged):
        return Flagged(rows, ())
    return Flagged(
        _flagged(rows, name, pc.if_else(excluded, Flag.EXCLUDED.value, pa.scalar(None, pa.string()))), (name,)
    )


def add_flag_dimensions(datasource: Datasource, names: Iterable[str]) -> Datasource:
    """Add the flag columns of these columns to the datasource."""
    flags = (Dimension(name=name_flag_column(name), type=DimensionType.STRING) for name in names)
    return replace(datasource, dimensions=(*datasource.dimensions, *flags))


def _flagged(rows: pa.Table, name: str, flags: pa.ChunkedArray) -> pa.Table:
    flag = name_flag_column(name)
    if flag in rows.column_names:
        raise ConfigError(
            f"The column name {flag!r} is reserved for values that {name!r} cannot hold in Druid.",
            hint="rename the column in the archive",
        )
    return rows.append_column(flag, flags)


def _named(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    of_infinity = pc.if_else(pc.greater(numbers, 0.0), Flag.POSITIVE_INFINITY.value, Flag.NEGATIVE_INFINITY.value)
    named = pc.if_else(pc.is_nan(numbers), Flag.NAN.value, of_infinity)
    return pc.if_else(pc.is_finite(numbers), pa.scalar(None, pa.string()), named)
