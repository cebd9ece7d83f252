"""Conversion of a partition's rows to pandas, for Great Expectations and Evidently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.decimals import decimals_to_doubles

_LARGEST_EXACT = 2**53


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Convert the rows to pandas without vectors, in types that compare correctly with the bounds of checks.

    A decimal becomes the nearest double: as a Python object it would be slow, and 0.3 would be above a bound of 0.3,
    which is a double. Integers beyond 2**53 stay exact beside a null, where pandas would round them to doubles.
    """
    names = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    frame = table.select([name for name in names if not _is_special(table.column(name))]).to_pandas()
    special = {name: _to_series(table.column(name)) for name in names if _is_special(table.column(name))}
    return frame.assign(**special)[names]


def list_ambiguous(schema: pa.Schema) -> list[str]:
    """List the columns whose type in a frame one null decides on."""
    return [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_boolean(field.type)]


def find_types(batches: Iterable[pa.Table]) -> dict[str, Any]:
    """Find the types that columns of integers and booleans have in a frame of all rows."""
    held: dict[str, set[Any]] = {}
    kinds: dict[str, pa.DataType] = {}
    for batch in batches:
        for name, column in zip(batch.column_names, batch.columns, strict=True):
            kinds[name] = column.type
            ends = held.setdefault(name, set())
            ends |= set(pc.min_max(column).as_py().values())
            ends |= {None} if column.null_count else set()
    return {
        name: to_frame(pa.table({name: pa.array(list(ends), kinds[name])}))[name].dtype for name, ends in held.items()
    }


def to_frames(batches: Iterable[pa.Table], types: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """Convert batches of rows to frames of the types that their columns have together, with the places of the rows."""
    start = 0
    for batch in batches:
        frame = to_frame(batch).astype({name: types[name] for name in batch.column_names if name in types})
        yield frame.set_index(pd.RangeIndex(start, start + len(frame)))
        start += len(frame)


def _is_special(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_decimal(column.type) or _is_beyond_doubles(column))


def _is_beyond_doubles(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_integer(column.type) or not column.null_count:
        return False
    ends = pc.min_max(column).as_py()
    return any(abs(end) > _LARGEST_EXACT for end in ends.values() if end is not None)


def _to_series(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_decimal(column.type):
        doubles = pd.Series(float("nan"), index=range(len(column)))
        doubles[column.is_valid().to_numpy()] = decimals_to_doubles(column.drop_null())
        return doubles
    return column.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
