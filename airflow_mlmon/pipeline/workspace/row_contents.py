"""Rows of a day, and of the reference's days, against each other and against those of earlier days."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.rows.contents import Contents, collect_contents, pin_content_columns
from airflow_mlmon.drift.rows.pinned import OF_SAMPLE, PinnedRows, content_features, pin_rows
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_curated, read_sampled
from airflow_mlmon.pipeline.workspace.measured_before import measured_before
from airflow_mlmon.pipeline.workspace.samples import days_of, sample
from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.tracing import TracedPool

_DAYS = "contents.json"
_KEPT = "contents of earlier days"
_READERS = 8


def pin_reference_rows(run: Run, table: pa.Table) -> PinnedRows:
    """Find what the rows of the reference have in common, and the columns that tell those of a day apart."""
    sampled = sample(table, run.spec.id_column)
    per_day = np.bincount(_number_days(run, table))
    largest = table.filter(pa.array(_number_days(run, table) == int(per_day.argmax()))) if len(per_day) else table
    contents = pin_content_columns(
        sample(largest, run.spec.id_column), content_features(run.spec), float(per_day.max(initial=0))
    )
    return pin_rows(run.spec, sampled, _number_days(run, sampled), contents)


def _number_days(run: Run, table: pa.Table) -> Integers:
    """Return a number of the day of each row, the same for all rows without a time."""
    days = days_of(table, run.spec.time_column, run.spec.day_zone).cast(pa.int32())
    first = pc.min(days).as_py() or 0
    return to_numpy(pc.fill_null(pc.subtract(days, first), 0)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDays:
    """Days of the reference, measured one by one; each is compared with the contents of all others."""

    run: Run
    pinned: PinnedRows
    measured: dict[date, list[MetricValue]] = field(default_factory=dict)
    contents: dict[date, Contents] = field(default_factory=dict)

    def add(self, day: date, rows: pa.Table) -> None:
        """Measure the rows of a day."""
        self.measured[day] = list(self.pinned.measure(sample(rows, self.run.spec.id_column)))
        if self.pinned.contents:
            self.contents[day] = collect_contents([rows], self.pinned.contents)

    def metrics(self, day: date) -> list[MetricValue]:
        """Return the metrics of a day, after all were added."""
        if day not in self.contents:
            return self.measured[day]
        own = self.contents[day]
        others = {other: known for other, known in self.contents.items() if other != day}
        return [*self.measured[day], own.repeated(), own.replayed(others)]

    def write(self, folder: str) -> None:
        """Keep the contents of the days."""
        data = {day.isoformat(): found.to_bytes().decode() for day, found in self.contents.items()}
        self.run.files.write(f"{folder}/{_DAYS}", json.dumps(data).encode())


def measure_contents(
    run: Run, pinned: PinnedRows, folder: str, partition: Partition, version: str
) -> Iterator[MetricValue]:
    """Measure the rows of a day against each other and against those of earlier days, and keep their contents.

    `folder` is that of the reference.
    """
    yield from _measure_sample(run, pinned, partition, version)
    if not pinned.contents:
        return
    # of the same rows: those of a version never change
    own = _read(run, _uri(run, partition, version, pinned)) or _collect(run, partition, version, pinned)
    yield own.repeated()
    yield own.replayed(_read_earlier(run, pinned, folder, partition))


def _measure_sample(run: Run, pinned: PinnedRows, partition: Partition, version: str) -> Iterator[MetricValue]:
    try:
        sampled = read_sampled(run, partition, version)
    except NotFoundError:
        yield from measured_before(run, partition, version, OF_SAMPLE)
    else:
        yield from pinned.measure(sampled)


def _collect(run: Run, partition: Partition, version: str, pinned: PinnedRows) -> Contents:
    with open_curated(run, partition, version) as rows:
        found = collect_contents(rows.batches(pinned.contents), pinned.contents)
    write_contents(run, partition, version, pinned, found)
    return found


def write_contents(run: Run, partition: Partition, version: str, pinned: PinnedRows, found: Contents) -> None:
    """Keep the contents of a version of a day."""
    run.files.write(_uri(run, partition, version, pinned), found.to_bytes())


def _uri(run: Run, partition: Partition, version: str, pinned: PinnedRows) -> str:
    columns = hashlib.sha256(json.dumps(pinned.contents).encode()).hexdigest()[:12]
    return run.version_uri(partition, version, f"contents-{columns}.json")


def _read_earlier(run: Run, pinned: PinnedRows, folder: str, partition: Partition) -> dict[date, Contents]:
    """Return the contents of the days of the history before a day, and of the other days of the reference."""
    found = {day: known for day, known in _of_reference(run, folder).items() if day != partition.day}
    first = partition.day - timedelta(days=run.spec.history.days)
    states = run.store.states(run.model, first, partition.day - timedelta(days=1))
    served = {
        state.partition.day: _uri(run, state.partition, state.version, pinned)
        for state in states
        if state.version is not None
    }
    kept = _read_once(run, list(served.values()))
    return found | {day: kept[uri] for day, uri in served.items() if uri in kept}


def _read_once(run: Run, uris: Sequence[str]) -> Mapping[str, Contents]:
    """Return the stored contents, by URI; those of the days before are kept from one day to the next."""
    before: Mapping[str, Contents] = run.kept.get(_KEPT, {})
    unknown = [uri for uri in uris if uri not in before]
    # for the one day that is new in a process that runs many a thread costs more than it reads
    with TracedPool(_READERS) if len(unknown) > 1 else nullcontext() as pool:
        read = dict(zip(unknown, (pool.map if pool else map)(lambda uri: _read(run, uri), unknown), strict=True))
    found = {uri: known for uri in uris if (known := before.get(uri) or read.get(uri)) is not None}
    run.kept[_KEPT] = found
    return found


def _of_reference(run: Run, folder: str) -> Mapping[date, Contents]:
    """Return the contents of the days of the reference, which never change."""
    uri = f"{folder}/{_DAYS}"
    if uri not in run.kept:
        days = json.loads(run.files.read(uri))
        run.kept[uri] = {date.fromisoformat(day): Contents.from_bytes(data.encode()) for day, data in days.items()}
    found: Mapping[date, Contents] = run.kept[uri]
    return found


def _read(run: Run, uri: str) -> Contents | None:
    try:
        return Contents.from_bytes(run.files.read(uri))
    except NotFoundError:
        # a day from before contents were kept, or of another reference
        return None
