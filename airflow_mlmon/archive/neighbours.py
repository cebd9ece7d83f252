"""Neighbouring days: rows of a day in the folders of others, and rows of other days in its own.

A day takes in its rows from the folder of the day before and from those of the `lateness_days` days after. A row of its
own folder that one of these days takes in is handed over to it: counted here, and curated there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.archive.layout import ListedFile, Listing, PassedOver, list_day
from airflow_mlmon.archive.manifest import SourceFile
from airflow_mlmon.partition import DAY, Partition
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.storage import ObjectStore

_Mask = npt.NDArray[np.bool_]

# days before its own in whose folder a row may lie, because a clock is ahead or a file was named by its first row
_EARLY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of the rows of a day.

    Attributes:
        partition: The day.
        time_column: Column of the event time.
        own: Number of the files that are the day's own; those after them are of neighbouring days.
        reach: Event times whose rows are handed over where they are not of the day; None for all.
    """

    partition: Partition
    time_column: str
    own: int
    reach: tuple[datetime, datetime] | None = None

    def find_others(self, number: int, table: pa.Table) -> _Mask:
        """Mark the rows of a file that are not taken in: those handed over, or not of the day in a neighbour's file."""
        times = table.column(self.time_column)
        within = _within(times, self.partition.start, self.partition.end)
        if number >= self.own:
            return ~within
        others: _Mask = pc.is_valid(times).to_numpy() & ~within
        return others if self.reach is None else others & _within(times, *self.reach)

    def count_days(self, number: int, others: pa.Table) -> dict[str, int]:
        """Count rows that are handed over by their day; a neighbour's own day counts its rows."""
        if number >= self.own:
            return {}
        days = others.column(self.time_column).cast(pa.timestamp("us", self.partition.zone)).cast(pa.date32())
        return {str(entry["values"]): entry["counts"] for entry in days.value_counts().to_pylist()}

    def is_apart(self, path: Path) -> bool:
        """Return whether the statistics of a Parquet file say that it has no row of the day."""
        try:
            metadata = pq.read_metadata(path)
        except (pa.ArrowException, OSError):
            return False
        names = [metadata.schema.column(column).path for column in range(metadata.num_columns)]
        if self.time_column not in names:
            return False
        column = names.index(self.time_column)
        groups = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
        return all(found is not None and found.has_min_max and self._is_apart(found.min, found.max) for found in groups)

    def _is_apart(self, lowest: object, highest: object) -> bool:
        if not isinstance(lowest, datetime) or not isinstance(highest, datetime):
            return False
        # local times may be of any zone
        margin = DAY if lowest.tzinfo is None else 0 * DAY
        lowest, highest = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (lowest, highest))
        return highest < self.partition.start - margin or lowest >= self.partition.end + margin


def reach_of(partition: Partition, lateness_days: int) -> tuple[datetime, datetime]:
    """Return the event times of the days that take in rows from a day's folder."""
    return partition.shift(-lateness_days).start, partition.shift(_EARLY).end


def neighbours_of(partition: Partition, lateness_days: int) -> list[Partition]:
    """Return the days in whose folders rows of a day may lie, in their order."""
    return [partition.shift(days) for days in range(-_EARLY, lateness_days + 1) if days]


def days_of_folder(partition: Partition, lateness_days: int) -> list[Partition]:
    """Return the other days whose rows may lie in a day's folder, in their order."""
    return [partition.shift(days) for days in range(-lateness_days, _EARLY + 1) if days]


def list_neighbours(
    store: ObjectStore, predictions: Predictions, partition: Partition, own: Listing
) -> tuple[ListedFile, ...]:
    """List the files of the neighbouring days, without those that are the day's own."""
    known = {file.item.uri for file in own.files}
    found: list[ListedFile] = []
    for day in neighbours_of(partition, predictions.lateness_days or 0) if predictions.lateness_days else ():
        files = [file for file in list_day(store, predictions, day).files if file.item.uri not in known]
        known.update(file.item.uri for file in files)
        found += files
    return tuple(found)


def divide_files(files: Sequence[SourceFile]) -> tuple[tuple[SourceFile, ...], tuple[PassedOver, ...]]:
    """Divide the files that were read into those of a day's content, and neighbours' files without any row of it.

    What is wrong with a neighbour's file is for its own day to say.
    """
    of_others = [file for file in files if file.is_neighbour and (file.problem or not file.rows)]
    left_out = {file.uri for file in of_others}
    reason = "file of a neighbouring day, without rows of this one"
    given = tuple(file for file in files if file.uri not in left_out)
    return given, tuple(PassedOver(file.uri, file.problem or reason) for file in of_others)


def _within(times: pa.ChunkedArray, start: datetime, end: datetime) -> _Mask:
    flags = pc.and_(pc.greater_equal(times, pa.scalar(start)), pc.less(times, pa.scalar(end)))
    mask: _Mask = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return mask
