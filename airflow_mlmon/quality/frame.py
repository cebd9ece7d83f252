"""Conversion of a partition's rows to pandas, for Great Expectations and Evidently."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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


class FrameTypes:
    """Types that columns have in a frame of all rows, for frames of some: one null decides on integers and booleans.

    Attributes:
        ambiguous: Columns of which all rows have to be looked at.
    """

    def __init__(self, first: pa.Table, columns: Collection[str]) -> None:
        self._types: dict[str, Any] = to_frame(first).dtypes.to_dict()
        known = {field.name for field in first.schema if not _is_ambiguous(field.type)}
        self.ambiguous = [name for name in columns if name not in known]
        self._kinds: dict[str, pa.DataType] = {}
        self._ends: dict[str, set[Any]] = {name: set() for name in self.ambiguous}

    def look_at(self, batch: pa.Table) -> None:
        """Look at rows of the ambiguous columns."""
        for name in self.ambiguous:
            if name not in batch.column_names:
                self._ends[name].add(None)
                continue
            column = batch.column(name)
            self._kinds[name] = column.type
            if _is_ambiguous(column.type):
                self._ends[name] |= {*pc.min_max(column).as_py().values(), *([None] if column.null_count else [])}

    def to_frames(self, batches: Iterable[pa.Table]) -> Iterator[pd.DataFrame]:
        """Convert batches of rows to frames with the places of the rows."""
        types = self._types | {name: self._find(name) for name in self.ambiguous}
        start = 0
        for batch in batches:
            place = pd.RangeIndex(start, start + batch.num_rows)
            frame = to_frame(batch).set_index(place)
            lacking = {name: pd.Series(None, place, kind) for name, kind in types.items() if name not in frame}
            yield frame.assign(**lacking).astype(types)
            start += batch.num_rows

    def _find(self, name: str) -> Any:
        held = pa.array(list(self._ends[name]), self._kinds[name])
        return to_frame(pa.table({name: held}))[name].dtype


def _is_ambiguous(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))


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
