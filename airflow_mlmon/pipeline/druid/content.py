"""What Druid shall serve of a day: rows from the store's point of view, as files that Druid reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto

from airflow_mlmon.archive.labels import join_labels
from airflow_mlmon.druid.flags import Flagged, with_flag_dimensions, with_flags, with_labels
from airflow_mlmon.druid.ingestion import (
    Datasource,
    metrics_datasource,
    predictions_datasource,
    profiled_columns,
    profiles_datasource,
)
from airflow_mlmon.druid.inputs import JSON_LINES, PARQUET
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.parquet import write_parquet
from airflow_mlmon.druid.profile_rows import profile_rows
from airflow_mlmon.druid.tables import metrics_table, select_columns
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri, read_parquet, read_scalars
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Night, Status
from airflow_mlmon.spec.druid import DruidFormat, DruidInput

# Druid reads its input soon after the task is submitted, but may have to wait for a free worker.
_URL_SECONDS = 6 * 3600
_WRITERS = {DruidFormat.JSON: (JSON_LINES, write_json_lines), DruidFormat.PARQUET: (PARQUET, write_parquet)}


class Kind(Enum):
    """What a datasource holds."""

    PREDICTIONS = auto()
    METRICS = auto()
    PROFILES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One day of one datasource."""

    kind: Kind
    datasource: Datasource
    day: Partition

    @property
    def key(self) -> str:
        """Its name in results and messages."""
        return f"{self.datasource.name} {self.day.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The rows that a place shall have, none or many; `version` changes with them and their columns.

    `flagged` names the columns that have a flag column.
    """

    rows: int
    version: str
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The rows of a content as the bytes of a file that Druid reads; none where there are no rows."""

    content: Content
    data: bytes = field(default=b"", repr=False)


def check_workspace(run: Run) -> None:
    """See that the workspace lies where Druid shall read it.

    Raises:
        ConfigError: the spec says S3, and it is elsewhere.
    """
    if run.spec.druid.input is DruidInput.S3 and not run.workspace.startswith("s3://"):
        raise ConfigError("`druid: {input: s3}` needs a workspace in S3.", hint="leave `input` out of the spec")


def places_of(run: Run, days: Sequence[Partition]) -> dict[str, Place]:
    """The days of each datasource of a model, by key."""
    places = [
        Place(kind=kind, datasource=datasource, day=day)
        for kind, datasource in (
            (Kind.PREDICTIONS, predictions_datasource(run.spec)),
            (Kind.METRICS, metrics_datasource(run.spec)),
            (Kind.PROFILES, profiles_datasource(run.spec)),
        )
        for day in days
    ]
    return {place.key: place for place in places}


def reason_to_leave(run: Run, place: Place, today: date) -> str | None:
    """Why Druid shall keep what it has for a place; None when it shall have what the store says.

    A day is emptied only when a run found that it has no rows, never because a run failed or could
    not take the rows that came.
    """
    night = run.store.night(place.day)
    if night is None or night.version is None:
        return "the store has no rows of it"
    if place.kind is Kind.METRICS:
        return None
    if place.kind is Kind.PREDICTIONS and not is_kept(run, place.day, today):
        return f"it is older than the {run.spec.druid.retention_days} days for which predictions stay in Druid"
    return _reason_of(night) or _reason_without_profile(run, place, night)


def _reason_of(night: Night) -> str | None:
    if night.status is Status.FAILED:
        return "its last run failed"
    if not night.rows_curated and night.status is not Status.NO_DATA:
        return f"it is {night.status}: rows came, and none could be taken"
    return None


def _reason_without_profile(run: Run, place: Place, night: Night) -> str | None:
    if place.kind is not Kind.PROFILES:
        return None
    # by name: a store may write a folder's address in another way
    there = {item.uri.rpartition("/")[2] for item in run.files.list(run.version_uri(place.day, str(night.version), ""))}
    return None if _profile_uri(run, night).rpartition("/")[2] in there else "no profile of it is stored"


def is_kept(run: Run, day: Partition, today: date) -> bool:
    """Whether predictions of a day stay in Druid."""
    kept = run.spec.druid.retention_days
    return kept is None or day.end.date() > today - timedelta(days=kept)


def tag_of(run: Run, place: Place) -> str:
    """Changes when what a place shall have does; cheaper than its content."""
    if place.kind is Kind.METRICS:
        return _hash(write_json_lines(_table(run, place).rows), place.datasource)
    night = run.store.night(place.day)
    if place.kind is Kind.PROFILES:
        return f"{night and night.version} {night and night.layout}"
    deliveries = [delivery.version for delivery in deliveries_of(run, place.day)]
    return " ".join([str(night and night.version), *deliveries])


def make_input(run: Run, place: Place) -> Input:
    """The rows that a place shall have."""
    return _input(run, place, _table(run, place))


def make_input_of(run: Run, place: Place, version: str) -> Input:
    """The predictions of one version of a day, published or not."""
    return _input(run, place, _predictions(run, place, version))


def _input(run: Run, place: Place, labelled: Flagged) -> Input:
    table = labelled.rows
    if not table.num_rows:
        return Input(content=Content(rows=0, version=""))
    _, write = _WRITERS[run.spec.druid.format]
    left_out = place.datasource.left_out
    without = f", without the vectors {', '.join(left_out)}" if left_out else ""
    run.progress(f"preparing {table.num_rows} rows for {place.key}{without}")
    table, names = with_flags(table)
    flagged = names + labelled.names
    data = write(table)
    version = _hash(data, with_flag_dimensions(place.datasource, flagged))
    return Input(content=Content(rows=table.num_rows, version=version, flagged=flagged), data=data)


def write_input(run: Run, place: Place, made: Input, task_id: str) -> str:
    """Write the rows to the workspace as the input of one task; the address where Druid reads it."""
    ending, _ = _WRITERS[run.spec.druid.format]
    uri = place_uri(run, place, f"{task_id}{ending}")
    run.files.write(uri, made.data)
    return uri if run.spec.druid.input is DruidInput.S3 else run.files.url(uri, seconds=_URL_SECONDS)


def task_of(name: str) -> str:
    """The id of the task whose input has that name.

    >>> task_of("mlmon.flights_metrics.2013-03-08.4f1c.c0.n1.json.gz")
    'mlmon.flights_metrics.2013-03-08.4f1c.c0.n1'
    """
    return name.removesuffix(JSON_LINES).removesuffix(PARQUET)


def place_uri(run: Run, place: Place, name: str) -> str:
    """Where in the workspace a file about a place lies."""
    return run.uri("druid", place.datasource.name, place.day.key, name)


def _table(run: Run, place: Place) -> Flagged:
    if place.kind is Kind.METRICS:
        return Flagged(metrics_table(place.day, run.store.metric_values(place.day)), ())
    night = run.store.night(place.day)
    if night is None or night.version is None:
        raise ValueError(f"{place.day} has no rows; ask reason_to_leave first")
    if place.kind is Kind.PROFILES:
        profile = Profile.from_bytes(run.files.read(_profile_uri(run, night)))
        shown = profiled_columns(run.spec)
        return Flagged(profile_rows(place.day, profile, version=night.version, columns=shown), ())
    return _predictions(run, place, night.version)


def _profile_uri(run: Run, night: Night) -> str:
    return profile_uri(run, night.partition, str(night.version), str(night.layout))


def _predictions(run: Run, place: Place, version: str) -> Flagged:
    found = Flagged(read_scalars(run, place.day, version), ())
    if run.spec.labels is not None:
        tables = [read_parquet(run, delivery.uri) for delivery in deliveries_of(run, place.day)]
        joined = join_labels(found.rows, tables, run.spec)
        found = with_labels(found.rows, run.spec.labels.label, joined.column("label"), joined.column("void"))
    return Flagged(select_columns(found.rows, with_flag_dimensions(place.datasource, found.names)), found.names)


def _hash(data: bytes, datasource: Datasource) -> str:
    # the same bytes under other types are other content
    return hashlib.sha256(repr(datasource).encode() + data).hexdigest()[:12]
