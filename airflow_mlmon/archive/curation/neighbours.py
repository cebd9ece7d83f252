"""Neighbouring days: rows of a day in the folders of others, and rows of other days in its own.

A day takes in its rows from the folder of the day before and from those of the `lateness_days` days after. A row of its
own folder that one of these days takes in is handed over to it: counted here, and curated there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.curate import outside_reason
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.layouts.layout import ListedFile, Listing, PassedOver, list_day
from airflow_mlmon.partition import DAY, DEFAULT_ZONE, Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import ObjectStore

_Mask = npt.NDArray[np.bool_]
# event times from a moment to another, whose rows are taken in
TimesTaken = tuple[datetime, datetime]

_ANY_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# days before its own in whose folder a row may lie, because a clock is ahead or a file was named by its first row
_EARLY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of the rows of a day.

    Attributes:
        partition: The day.
        time_column: Column of the event time.
        reach: For each of the day's own files, the event times whose rows some day takes in from it. The files after
            them are of neighbouring days.
    """

    partition: Partition
    time_column: str
    reach: Sequence[TimesTaken]

    @property
    def own(self) -> int:
        """Number of the day's own files."""
        return len(self.reach)

    def find_others(self, number: int, table: pa.Table) -> _Mask:
        """Mark the rows of a file that are not taken in: those handed over, or not of the day in a neighbour's file."""
        times = table.column(self.time_column)
        within = _within(times, self.partition.start, self.partition.end)
        if number >= self.own:
            return ~within
        return ~within & _within(times, *self.reach[number])

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


def select_rows(
    store: ObjectStore, predictions: Predictions, time_column: str, partition: Partition, own: Listing
) -> Selection | None:
    """Select the rows of a day; None where rows of other days have nowhere to go.

    A file may be listed by several days, where its path does not tell the day or tells it in another zone.
    """
    lateness = predictions.lateness_days
    if predictions.dates == "event" and predictions.format is FileFormat.DELTA:
        # each day lists the files that have rows of it
        return Selection(partition=partition, time_column=time_column, reach=[_ANY_TIME] * len(own.files))
    shared = _count_shared(predictions, partition)
    if lateness is None and not shared:
        return None
    others = [partition.shift(days) for days in range(-shared, shared + 1) if days]
    listed = {day: {file.item.uri for file in list_day(store, predictions, day).files} for day in others}
    reach = []
    for file in own.files:
        days = [partition, *(day for day, uris in listed.items() if file.item.uri in uris)]
        first, last = min(days), max(days)
        if lateness is not None:
            first, last = first.shift(-lateness), last.shift(_EARLY)
        reach.append((first.start, last.end))
    return Selection(partition=partition, time_column=time_column, reach=reach)


def _count_shared(predictions: Predictions, partition: Partition) -> int:
    """Return how many days away another day may list the same files."""
    if predictions.dates == "event":
        return math.ceil(predictions.written_within / 24) + 1
    zones = {
        predictions.path_zone or (DEFAULT_ZONE if "{hour}" in path else partition.zone) for path in predictions.paths
    }
    return int(predictions.dates == "path" and zones != {partition.zone})


def neighbours_of(partition: Partition, lateness_days: int) -> list[Partition]:
    """Return the days in whose folders rows of a day may lie, in their order."""
    return [partition.shift(days) for days in range(-_EARLY, lateness_days + 1) if days]


def list_neighbours(
    store: ObjectStore, predictions: Predictions, partition: Partition, own: Listing
) -> tuple[ListedFile, ...]:
    """List the files of the neighbouring days, without those that are the day's own."""
    known = {file.item.uri for file in own.files}
    found: list[ListedFile] = []
    lateness = predictions.lateness_days
    for day in () if lateness is None else neighbours_of(partition, lateness):
        files = [file for file in list_day(store, predictions, day).files if file.item.uri not in known]
        known.update(file.item.uri for file in files)
        found += files
    return tuple(found)


def advise(spec: ModelSpec, quarantined: Collection[str]) -> str:
    """Name the key by which rows of neighbouring days come to their days, where some were quarantined for its lack."""
    if spec.predictions.lateness_days is not None or outside_reason(spec) not in quarantined:
        return ""
    return "set predictions.lateness_days if they belong to neighbouring days: each row is then handed over to its day"


def divide_files(files: Sequence[SourceFile]) -> tuple[tuple[SourceFile, ...], tuple[PassedOver, ...]]:
    """Divide the files that were read into those of a day's content, and neighbours' files without any row of it.

    What is wrong with a neighbour's file is for its own day to say.
    """
    of_others = [file for file in files if file.is_neighbour and (file.problem or not (file.rows or file.is_joined))]
    left_out = {file.uri for file in of_others}
    reason = "file of a neighbouring day, without rows of this one"
    given = tuple(file for file in files if file.uri not in left_out)
    return given, tuple(PassedOver(file.uri, file.problem or reason) for file in of_others)


def _within(times: pa.ChunkedArray, start: datetime, end: datetime) -> _Mask:
    flags = pc.and_(pc.greater_equal(times, pa.scalar(start)), pc.less(times, pa.scalar(end)))
    mask: _Mask = pc.fill_null(flags, fill_value=False).to_numpy(zero_copy_only=False)
    return mask
