"""Rows that Druid must serve for a day according to the store, as files for ingestion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto

from airflow_mlmon.archive.labels import find_labels
from airflow_mlmon.druid.flags import Flagged, add_flag_dimensions, add_flags, add_labels
from airflow_mlmon.druid.ingestion import (
    Datasource,
    build_metrics_datasource,
    build_predictions_datasource,
    build_profiles_datasource,
    select_profiled_columns,
)
from airflow_mlmon.druid.inputs import JSON_LINES, PARQUET
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.parquet import write_parquet
from airflow_mlmon.druid.profile_rows import profile_rows
from airflow_mlmon.druid.tables import build_metrics_table, select_columns
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import read_scalars
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri, read_workspace_table
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState, Status
from airflow_mlmon.spec.druid import DruidFormat, DruidInput

# Druid reads its input soon after submission of the task, unless it waits for a free worker.
_URL_SECONDS = 6 * 3600
_WRITERS = {DruidFormat.JSON: (JSON_LINES, write_json_lines), DruidFormat.PARQUET: (PARQUET, write_parquet)}


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
    """Rows of a content as the bytes of a file for Druid; none without rows."""

    content: DatasourceContent
    data: bytes = field(default=b"", repr=False)


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
        return _hash(write_json_lines(_table(run, place).rows), place.datasource)
    state = run.store.state(place.day)
    if place.kind is DatasourceKind.PROFILES:
        return f"{state and state.version} {state and state.schema}"
    deliveries = [delivery.version for delivery in deliveries_of(run, place.day)]
    return " ".join([str(state and state.version), *deliveries])


def make_input(run: Run, place: DatasourceDay) -> Input:
    """Build the input for a place."""
    return _input(run, place, _table(run, place))


def make_input_of(run: Run, place: DatasourceDay, version: str) -> Input:
    """Build the input of one version of a day's predictions, published or not."""
    return _input(run, place, _predictions(run, place, version))


def _input(run: Run, place: DatasourceDay, labelled: Flagged) -> Input:
    table = labelled.rows
    if not table.num_rows:
        return Input(content=DatasourceContent(rows=0, version=""))
    _, write = _WRITERS[run.spec.druid.format]
    left_out = place.datasource.left_out
    without = f", without the vectors {', '.join(left_out)}" if left_out else ""
    run.progress(f"preparing {table.num_rows} rows for {place.key}{without}")
    table, names = add_flags(table)
    flagged = names + labelled.names
    data = write(table)
    version = _hash(data, add_flag_dimensions(place.datasource, flagged))
    return Input(content=DatasourceContent(rows=table.num_rows, version=version, flagged=flagged), data=data)


def write_input(run: Run, place: DatasourceDay, made: Input, task_id: str) -> str:
    """Write the rows to the workspace as the input of one task, and return the address for Druid."""
    ending, _ = _WRITERS[run.spec.druid.format]
    uri = place_uri(run, place, f"{task_id}{ending}")
    run.files.write(uri, made.data)
    return uri if run.spec.druid.input is DruidInput.S3 else run.files.url(uri, seconds=_URL_SECONDS)


def task_id_of(name: str) -> str:
    """Return the id of the task whose input has a name.

    >>> task_id_of("mlmon.flights_metrics.2013-03-08.4f1c.c0.n1.json.gz")
    'mlmon.flights_metrics.2013-03-08.4f1c.c0.n1'
    """
    return name.removesuffix(JSON_LINES).removesuffix(PARQUET)


def place_uri(run: Run, place: DatasourceDay, name: str) -> str:
    """Return the URI of a file about a place in the workspace."""
    return run.uri("druid", place.datasource.name, place.day.key, name)


def _table(run: Run, place: DatasourceDay) -> Flagged:
    if place.kind is DatasourceKind.METRICS:
        return Flagged(build_metrics_table(place.day, run.store.metric_values(place.day)), ())
    state = run.store.state(place.day)
    if state is None or state.version is None:
        raise ValueError(f"{place.day} has no rows; call reason_to_leave first")
    if place.kind is DatasourceKind.PROFILES:
        profile = Profile.from_bytes(run.files.read(_profile_uri(run, state)))
        shown = select_profiled_columns(run.spec)
        return Flagged(profile_rows(place.day, profile, version=state.version, columns=shown), ())
    return _predictions(run, place, state.version)


def _profile_uri(run: Run, state: PartitionState) -> str:
    return profile_uri(run, state.partition, str(state.version), str(state.schema))


def _predictions(run: Run, place: DatasourceDay, version: str) -> Flagged:
    found = Flagged(read_scalars(run, place.day, version), ())
    if run.spec.labels is not None:
        tables = [read_workspace_table(run, delivery.uri) for delivery in deliveries_of(run, place.day)]
        labels, excluded = find_labels(found.rows, tables, run.spec)
        found = add_labels(found.rows, run.spec.labels.label, labels, excluded)
    return Flagged(select_columns(found.rows, add_flag_dimensions(place.datasource, found.names)), found.names)


def _hash(data: bytes, datasource: Datasource) -> str:
    # the same bytes with other types are another content
    return hashlib.sha256(repr(datasource).encode() + data).hexdigest()[:12]
