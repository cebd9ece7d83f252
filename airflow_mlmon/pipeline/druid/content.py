"""Rows that Druid must serve for a day according to the store, as files for ingestion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.druid.flags import add_flag_dimensions, add_flags
from airflow_mlmon.druid.ingestion import (
    Datasource,
    build_metrics_datasource,
    build_predictions_datasource,
    build_profiles_datasource,
    select_profiled_columns,
)
from airflow_mlmon.druid.input_files import write_parts
from airflow_mlmon.druid.inputs import JSON_LINES, PARQUET
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.profile_rows import profile_rows
from airflow_mlmon.druid.tables import build_metrics_table, select_columns
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import OpenedRows, open_curated
from airflow_mlmon.pipeline.workspace.labelled_rows import open_labels
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Delivery, PartitionState, Status
from airflow_mlmon.spec.druid import DruidFormat, DruidInput
from airflow_mlmon.storage.scratch import scratch_folder

# Druid reads its input soon after submission of the task, unless it waits for a free worker.
_URL_SECONDS = 6 * 3600
_PART = "-part-"
_CHUNK = 1 << 20


class DatasourceKind(Enum):
    """Kind of datasource."""

    PREDICTIONS = auto()
    METRICS = auto()
    PROFILES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasourceDay:
    """One day of one datasource."""

    kind: DatasourceKind
    datasource: Datasource
    day: Partition

    @property
    def key(self) -> str:
        """Return its name in results and messages."""
        return f"{self.datasource.name} {self.day.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasourceContent:
    """Rows of a place, none or many; `version` changes with them and their columns.

    `flagged` are the columns with a flag column.
    """

    rows: int
    version: str
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Rows of a content as local files for Druid, in parts of a bounded number of rows; none without rows."""

    content: DatasourceContent
    files: tuple[Path, ...] = ()


def check_workspace(run: Run) -> None:
    """Check that Druid can read the workspace.

    Raises:
        ConfigError: the spec has `input: s3`, and the workspace is not in S3.
    """
    if run.spec.druid.input is DruidInput.S3 and not run.workspace.startswith("s3://"):
        raise ConfigError(
            "`druid: {input: s3}` needs a workspace in S3.",
            hint="use a workspace in s3://, or remove `input` from the spec",
        )


def places_of(run: Run, days: Sequence[Partition]) -> dict[str, DatasourceDay]:
    """Return the days of each datasource of a model, by key."""
    places = [
        DatasourceDay(kind=kind, datasource=datasource, day=day)
        for kind, datasource in (
            (DatasourceKind.PREDICTIONS, build_predictions_datasource(run.spec)),
            (DatasourceKind.METRICS, build_metrics_datasource(run.spec)),
            (DatasourceKind.PROFILES, build_profiles_datasource(run.spec)),
        )
        for day in days
    ]
    return {place.key: place for place in places}


def reason_to_leave(run: Run, place: DatasourceDay, today: date) -> str | None:
    """Return the reason to keep Druid's rows of a place; None if it must serve what the store has.

    A day is emptied only after a run that found no rows, never because a run failed or accepted none of its rows.
    """
    state = run.store.state(place.day)
    if state is None or state.version is None:
        return "the store has no rows for it"
    if place.kind is DatasourceKind.METRICS:
        return None
    if place.kind is DatasourceKind.PREDICTIONS and not is_kept(run, place.day, today):
        return f"it is older than the retention of {run.spec.druid.retention_days} days"
    return _reason_of(state) or _reason_without_profile(run, place, state)


def _reason_of(state: PartitionState) -> str | None:
    if state.status is Status.FAILED:
        return "its last run failed"
    if not state.rows_accepted and state.status is not Status.NO_DATA:
        return f"it is {state.status}: rows were received, and none was accepted"
    return None


def _reason_without_profile(run: Run, place: DatasourceDay, state: PartitionState) -> str | None:
    if place.kind is not DatasourceKind.PROFILES:
        return None
    # compared by name, because a store may format a folder's address differently
    there = {item.uri.rpartition("/")[2] for item in run.files.list(run.version_uri(place.day, str(state.version), ""))}
    return None if _profile_uri(run, state).rpartition("/")[2] in there else "no profile of it is stored"


def is_kept(run: Run, day: Partition, today: date) -> bool:
    """Return True if predictions of a day are within the retention."""
    kept = run.spec.druid.retention_days
    return kept is None or day.end.date() > today - timedelta(days=kept)


def tag_of(run: Run, place: DatasourceDay) -> str:
    """Return a tag that changes with the content of a place, without reading the content."""
    if place.kind is DatasourceKind.METRICS:
        return _hash([write_json_lines(_table(run, place))], place.datasource)
    state = run.store.state(place.day)
    if place.kind is DatasourceKind.PROFILES:
        return f"{state and state.version} {state and state.schema}"
    deliveries = [delivery.version for delivery in deliveries_of(run, place.day)]
    return " ".join([str(state and state.version), *deliveries])


@contextmanager
def make_input(run: Run, place: DatasourceDay) -> Iterator[Input]:
    """Write the input for a place to local files, which are there within the context."""
    if place.kind is DatasourceKind.PREDICTIONS:
        with make_input_of(run, place, _served_version(run, place)) as made:
            yield made
    else:
        with scratch_folder() as folder:
            table = _table(run, place)
            yield _write(run, place, _Rows(table.num_rows, lambda: [_Read(table)]), folder)


@contextmanager
def make_input_of(run: Run, place: DatasourceDay, version: str) -> Iterator[Input]:
    """Write the input of one version of a day's predictions, published or not, to local files."""
    deliveries = deliveries_of(run, place.day)
    with open_curated(run, place.day, version) as curated, scratch_folder() as folder:
        rows = _Rows(curated.rows, lambda: _read_predictions(run, place, version, curated, deliveries))
        yield _write(run, place, rows, folder)


def _write(run: Run, place: DatasourceDay, rows: _Rows, folder: Path) -> Input:
    if not rows.number:
        return Input(content=DatasourceContent(rows=0, version=""))
    left_out = place.datasource.left_out
    without = f", without the vectors {', '.join(left_out)}" if left_out else ""
    run.progress(f"preparing {rows.number} rows for {place.key}{without}")
    files = write_parts(rows.tables(), folder, run.spec.druid.format)
    while rows.has_found_flags:
        # few days need any, and all rows of a day have the same columns
        files = write_parts(rows.tables(), folder, run.spec.druid.format)
    data = (data for path in files for data in _read(path))
    version = _hash(data, add_flag_dimensions(place.datasource, rows.flagged))
    return Input(content=DatasourceContent(rows=rows.number, version=version, flagged=rows.flagged), files=tuple(files))


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(partial(file.read, _CHUNK), b"")


def write_input(run: Run, place: DatasourceDay, made: Input, task_id: str) -> list[str]:
    """Write the rows to the workspace as the input of one task, and return the addresses for Druid."""
    ending = JSON_LINES if run.spec.druid.format is DruidFormat.JSON else PARQUET
    parts = [task_id, *(f"{task_id}{_PART}{number:04}" for number in range(1, len(made.files)))]
    uris = [place_uri(run, place, f"{part}{ending}") for part in parts]
    for uri, path in zip(uris, made.files, strict=True):
        run.files.upload(uri, path)
    return uris if run.spec.druid.input is DruidInput.S3 else [run.files.url(uri, seconds=_URL_SECONDS) for uri in uris]


def task_id_of(name: str) -> str:
    """Return the id of the task whose input, or a part of it, has a name.

    >>> task_id_of("mlmon.flights_metrics.2013-03-08.4f1c.c0.n1.json.gz")
    'mlmon.flights_metrics.2013-03-08.4f1c.c0.n1'
    >>> task_id_of("mlmon.flights_predictions.2013-03-08.4f1c.c0.n1-part-0001.parquet")
    'mlmon.flights_predictions.2013-03-08.4f1c.c0.n1'
    """
    return name.removesuffix(JSON_LINES).removesuffix(PARQUET).partition(_PART)[0]


def place_uri(run: Run, place: DatasourceDay, name: str) -> str:
    """Return the URI of a file about a place in the workspace."""
    return run.uri("druid", place.datasource.name, place.day.key, name)


class _Rows:
    """Rows with the flag columns that some of them need.

    Attributes:
        number: Number of the rows.
        flagged: Columns with a flag column, as far as the rows were read.
        has_found_flags: Whether the last reading found more of them than were known before it.
    """

    def __init__(self, number: int, read: Callable[[], Iterable[_Read]]) -> None:
        self.number = number
        self.flagged: tuple[str, ...] = ()
        self.has_found_flags = False
        self._read = read

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows, until some need a flag column that those before them lack; the rest is only looked at."""
        known = self.flagged
        for one in self._read():
            found = add_flags(one.rows, self.flagged, one.excluded)
            self.flagged = found.names
            if self.flagged == known:
                yield found.rows
        self.has_found_flags = self.flagged != known


class _Read(NamedTuple):
    """Some rows, and by name of the label whether a row will never have one."""

    rows: pa.Table
    excluded: Mapping[str, pa.ChunkedArray] = MappingProxyType({})


def _read_predictions(
    run: Run, place: DatasourceDay, version: str, curated: OpenedRows, deliveries: Sequence[Delivery]
) -> Iterator[_Read]:
    """Yield the curated rows of a version with their labels."""
    datasource = place.datasource
    columns = [datasource.time_column, *(dimension.name for dimension in datasource.dimensions)]
    if run.spec.labels is None:
        for batch in curated.batches((), columns):
            yield _Read(select_columns(batch, datasource))
        return
    label = run.spec.labels.label
    with open_labels(run, place.day, version, deliveries) as opened:
        for batch in curated.batches((), columns):
            labels, excluded = opened.take(batch.num_rows)
            yield _Read(select_columns(batch.append_column(label, labels), datasource), {label: excluded})


def _served_version(run: Run, place: DatasourceDay) -> str:
    state = run.store.state(place.day)
    if state is None or state.version is None:
        raise ValueError(f"{place.day} has no rows; call reason_to_leave first")
    return state.version


def _table(run: Run, place: DatasourceDay) -> pa.Table:
    if place.kind is DatasourceKind.METRICS:
        return build_metrics_table(place.day, run.store.metric_values(place.day))
    version = _served_version(run, place)
    state = run.store.state(place.day)
    assert state is not None  # noqa: S101 - it has a version
    profile = Profile.from_bytes(run.files.read(_profile_uri(run, state)))
    return profile_rows(place.day, profile, version=version, columns=select_profiled_columns(run.spec))


def _profile_uri(run: Run, state: PartitionState) -> str:
    return profile_uri(run, state.partition, str(state.version), str(state.schema))


def _hash(data: Iterable[bytes], datasource: Datasource) -> str:
    # the same bytes with other types are another content
    digest = hashlib.sha256(repr(datasource).encode())
    for part in data:
        digest.update(part)
    return digest.hexdigest()[:12]
