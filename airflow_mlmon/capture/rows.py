"""Rows on their way from the service to a file: converted and protected column by column, in the background."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.capture.arrays import ReadColumn, is_uniform, to_array
from airflow_mlmon.capture.folders import ArchivePath, is_folder_name, read_zone
from airflow_mlmon.capture.protection import protect_values
from airflow_mlmon.capture.ranges import Range, mark_rows
from airflow_mlmon.capture.schema import CaptureSchema

# values that are converted before other threads may run: about half a millisecond
_SLICE = 5_000
_MOMENT = pa.timestamp("us", tz="UTC")
_NO_FOLDER = "cannot be the name of a folder"


class LoggedRow(NamedTuple):
    """What a service logged of one prediction, not yet converted.

    `time` is in microseconds since 1970, UTC; `values` are in the order of the columns that are written.
    """

    sequence: int
    time: int
    values: tuple[Any, ...]


class CapturedPart(NamedTuple):
    """Rows of one folder, below the root of the archive, as their file will hold them."""

    folder: str
    table: pa.Table


class CapturedRows(NamedTuple):
    """Rows by folder; the rows that are lost, by reason; and the values that are null instead, by column and reason."""

    parts: list[CapturedPart]
    lost: Mapping[str, int]
    refused: Mapping[str, int]


class RowConverter:
    """Conversion of logged rows to the tables of their folders.

    Args:
        schema: the columns.
        path: path of the archive.
        key: key of personal columns that are hashed.
        mark: column that marks values out of range, None for no such marks.
        ranges: the expected ranges of features.
    """

    def __init__(
        self,
        schema: CaptureSchema,
        path: ArchivePath,
        *,
        key: bytes | None = None,
        mark: str | None = None,
        ranges: Mapping[str, Range] | None = None,
    ) -> None:
        self._columns = schema.kept
        self._path = path
        self._key = key
        self._mark = mark
        self._ranges = ranges or {}
        self.zone = read_zone(schema.timezone) if schema.timezone else None
        self._time = next(iter(schema.with_role("time")), None)
        self._slice = max(16, _SLICE // max(1, len(self._columns)))

    def __call__(self, rows: Sequence[LoggedRow]) -> CapturedRows:
        """Convert rows; other threads may run between slices of them."""
        refused: Counter[str] = Counter()
        columns = self._read(rows, refused)
        if self._mark is not None:
            columns[self._mark] = mark_rows(columns, self._ranges, self._columns[self._mark].type)
        for name, column in self._columns.items():
            columns[name] = protect_values(columns[name], column, self._key)
        return CapturedRows(self._divide(rows, columns, refused), {}, refused)

    def _read(self, rows: Sequence[LoggedRow], refused: Counter[str]) -> dict[str, pa.ChunkedArray]:
        chunks: dict[str, list[pa.Array]] = {name: [] for name in self._columns}
        whole: dict[str, list[Any]] = {name: [] for name, column in self._columns.items() if not is_uniform(column)}
        for start in range(0, len(rows), self._slice):
            part = rows[start : start + self._slice]
            values = zip(*(row.values for row in part), strict=True)
            for (name, column), own in zip(self._columns.items(), values, strict=True):
                if name == self._time:
                    chunks[name].append(pa.array([row.time for row in part], _MOMENT))
                elif name in whole:
                    whole[name] += own
                else:
                    chunks[name].append(_counted(name, to_array(own, column, self.zone), refused))
            time.sleep(0)
        for name, all_values in whole.items():
            chunks[name] = [_counted(name, to_array(all_values, self._columns[name], self.zone), refused)]
        return {name: pa.chunked_array(own) for name, own in chunks.items()}

    def _divide(
        self, rows: Sequence[LoggedRow], columns: Mapping[str, pa.ChunkedArray], refused: Counter[str]
    ) -> list[CapturedPart]:
        """Divide rows by their folders; a column whose value the folder gives is not in the file."""
        table = pa.table({name: values for name, values in columns.items() if name not in self._path.columns})
        given = {name: _folder_names(name, columns[name], refused) for name in self._path.columns}
        found: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            own = {name: texts[number] for name, texts in given.items()}
            found.setdefault(self._path.with_values(self._path.folder_of(row.time), own), []).append(number)
        return [
            CapturedPart(folder, table if len(found) == 1 else table.take(pa.array(numbers)))
            for folder, numbers in found.items()
        ]


def _folder_names(name: str, values: pa.ChunkedArray, refused: Counter[str]) -> list[str | None]:
    found: list[str | None] = values.cast(pa.string()).to_pylist()
    fitting = [text if text is None or is_folder_name(text) else None for text in found]
    if unfit := fitting.count(None) - found.count(None):
        refused[f"{name} {_NO_FOLDER}"] += unfit
    return fitting


def _counted(name: str, read: ReadColumn, refused: Counter[str]) -> pa.Array:
    for reason, values in read.refused.items():
        refused[f"{name} {reason}"] += values
    return read.values
