"""Lets NaN and ±inf reach Druid: null in their column, as in JSON, and named in a flag column beside it.

A column that has none gets no flag column. Zero loses its sign, because Druid tells -0.0 from 0.0.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType
from airflow_mlmon.errors import ConfigError

_SUFFIX = "__flag"


class Flag(StrEnum):
    """What a value was that is null in its column."""

    NAN = "nan"
    POSITIVE_INFINITY = "inf"
    NEGATIVE_INFINITY = "-inf"


class Flagged(NamedTuple):
    """Rows with the flag columns that they need, and a datasource that has a place for them."""

    rows: pa.Table
    datasource: Datasource


def flag_column(name: str) -> str:
    """The flag column of a column.

    >>> flag_column("score")
    'score__flag'
    """
    return name + _SUFFIX


def with_flags(rows: pa.Table, datasource: Datasource) -> Flagged:
    """The rows of a datasource as they are loaded, where a column has NaN or ±inf with its flag column.

    >>> source = Datasource(
    ...     name="d", time_column="at", dimensions=(Dimension(name="x", type=DimensionType.DOUBLE),)
    ... )
    >>> with_flags(pa.table({"x": [0.5, float("-inf")]}), source).rows.to_pydict()
    {'x': [0.5, -inf], 'x__flag': [None, '-inf']}

    Raises:
        ConfigError: another column bears the name of a flag column.
    """
    for dimension in datasource.dimensions:
        column = rows.column(dimension.name)
        if not pa.types.is_floating(column.type):
            continue
        numbers = column.cast(pa.float64())
        at = rows.column_names.index(dimension.name)
        rows = rows.set_column(at, dimension.name, pc.add(numbers, 0.0))
        if pc.all(pc.is_finite(numbers)).as_py() is False:
            rows, datasource = _flagged(rows, datasource, dimension.name, numbers)
    return Flagged(rows, datasource)


def _flagged(rows: pa.Table, datasource: Datasource, name: str, numbers: pa.ChunkedArray) -> Flagged:
    flag = flag_column(name)
    if flag in rows.column_names:
        raise ConfigError(
            f"The column name {flag!r} is kept for the NaN and infinities of {name!r}.",
            hint="rename the column in the archive",
        )
    of_infinity = pc.if_else(pc.greater(numbers, 0.0), Flag.POSITIVE_INFINITY.value, Flag.NEGATIVE_INFINITY.value)
    named = pc.if_else(pc.is_nan(numbers), Flag.NAN.value, of_infinity)
    flags = pc.if_else(pc.is_finite(numbers), pa.scalar(None, pa.string()), named)
    dimension = Dimension(name=flag, type=DimensionType.STRING)
    return Flagged(rows.append_column(flag, flags), replace(datasource, dimensions=(*datasource.dimensions, dimension)))
