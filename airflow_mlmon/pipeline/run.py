"""Context of a run: the spec, and the places where it reads and writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_mlmon.alerts.channels import channels_of
from airflow_mlmon.archive.layouts.layout import day_folders
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.fleet import MonitoringPlan, RegisteredModel
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.links import LinkTemplates
from airflow_mlmon.partition import DAY, DEFAULT_ZONE, Partition, days_between
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.spec import Channel, ModelSpec, SharedChannel
from airflow_mlmon.spec.layouts import OF_TIME, PLACEHOLDER
from airflow_mlmon.spec.plan import plan_of
from airflow_mlmon.storage import ObjectStore, Storage, join_uri
from airflow_mlmon.store.metric_store import MetricStore

if TYPE_CHECKING:
    from datetime import date, datetime

    from airflow_mlmon.druid.client import DruidClient
    from airflow_mlmon.mlflow.client import MlflowServer

Progress = Callable[[str], None]
_Read = TypeVar("_Read")
_Days = TypeVar("_Days", dict[Any, Any], list[Any])
_ASKED = "asked"

# keys of a column that are part of the fingerprint without a value too: later ones are not, so that it stays the same
_ALWAYS_DECLARED = frozenset({"dimension", "personal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DruidAccess:
    """Access to the model's Druid, and the day from which its retention counts."""

    connect: Callable[[], DruidClient]
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowAccess:
    """Access to MLflow servers by the ids of their connections, and the time at which what they say is recorded."""

    connect: Callable[[str], MlflowServer]
    now: datetime


def silent(_: str) -> None:
    """Ignore progress messages."""


def describe_model(spec: ModelSpec) -> RegisteredModel:
    """Return a model as its spec describes it."""
    same = ("model", "task", "owner", "team", "tags", "description", "start", "end")
    return RegisteredModel(
        zone=spec.day_zone,
        version_column=spec.version_column or "",
        spec=spec.file,
        **{name: getattr(spec, name) for name in same},
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """Spec of one model with the places where its runs read and write."""

    spec: ModelSpec
    storage: Storage
    store: MetricStore
    workspace: str
    workspace_connection: str | None = None
    hash_key: bytes | None = None
    progress: Progress = field(default=silent)
    druid: DruidAccess | None = None
    mlflow: MlflowAccess | None = None
    is_silent: bool = False
    reports_url: str = ""
    log_url: str = ""
    links: LinkTemplates = field(default_factory=LinkTemplates)
    shared_channels: tuple[SharedChannel, ...] = ()

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self.spec.model

    @property
    def registered(self) -> RegisteredModel:
        """Return the model as its spec describes it."""
        return describe_model(self.spec)

    @cached_property
    def plan(self) -> MonitoringPlan:
        """Return the monitoring plan that results are made under."""
        return plan_of(self.spec, self.declared_channels)

    @property
    def mlflow_access(self) -> MlflowAccess:
        """Return the access to MLflow.

        Raises:
            ConfigError: the run was opened without it.
        """
        if self.mlflow is None:
            raise ConfigError(
                f"The spec of {self.model} names MLflow, which is not available here.",
                hint="run where Airflow's connections are available",
            )
        return self.mlflow

    @property
    def files(self) -> ObjectStore:
        """Return the object store of the workspace."""
        return self.storage.at(self.workspace, self.workspace_connection)

    @property
    def archive(self) -> ObjectStore:
        """Return the object store of the predictions."""
        return self.storage.at(self.spec.predictions.paths[0], self.spec.predictions.connection)

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the declaration of the predictions."""
        declared = self.spec.predictions.model_dump(mode="json", include={"timezone", "columns"})
        declared["columns"] = {
            name: {key: found for key, found in column.items() if found is not None or key in _ALWAYS_DECLARED}
            for name, column in declared["columns"].items()
        }
        declared |= self.spec.predictions.declared
        if self.spec.predictions.log is not None:
            declared["log"] = self.spec.predictions.log
        of_path = {name for path in self.spec.predictions.paths for name in PLACEHOLDER.findall(path)} - set(OF_TIME)
        if of_path:
            declared["columns_of_path"] = sorted(of_path)
        if self.spec.day_zone != DEFAULT_ZONE:
            declared["day_zone"] = self.spec.day_zone
        if self.spec.operational is not None:
            declared["operational"] = self.spec.operational.model_dump(mode="json")
        return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def kept(self) -> dict[str, Any]:
        """Return what was read of the workspace and never changes, by URI."""
        return {}

    @contextmanager
    def asking_once(self) -> Iterator[None]:
        """Read what `ask` asks for once, as long as nothing of it can change: within the run of a day, or a page."""
        before = self.__dict__.get(_ASKED)
        self.__dict__[_ASKED] = {}
        try:
            yield
        finally:
            # what was done meanwhile may have changed what was read before
            self.__dict__[_ASKED] = None if before is None else {}

    def ask(self, read: Callable[..., _Read], *arguments: Hashable) -> _Read:
        """Return what a function of the store says of the model; see `asking_once`."""
        known: dict[tuple[Hashable, ...], _Read] | None = self.__dict__.get(_ASKED)
        if known is None:
            return read(self.model, *arguments)
        key = read, *arguments
        if key not in known:
            known[key] = read(self.model, *arguments)
        return known[key]

    def ask_days(
        self,
        read: Callable[..., _Days],
        first: date,
        last: date,
        *arguments: Hashable,
        day_of: Callable[[Any], date] = itemgetter(0),
    ) -> _Days:
        """Return what a function of the store says of a range of days, of which those asked for before are not read.

        Args:
            read: the function, of the model, the first and the last day, and the arguments; it returns a mapping or a
                list, in the order of the days.
            first: the first day.
            last: the last day.
            arguments: further arguments.
            day_of: the day of a key of the mapping or of an entry of the list.
        """
        known: dict[tuple[Hashable, ...], Any] | None = self.__dict__.get(_ASKED)
        if known is None:
            return read(self.model, first, last, *arguments)
        key = "days", read, *arguments
        begin, end, found = known.get(key, (first, first - DAY, None))
        if found is None or first > end + DAY or last < begin - DAY:
            begin, end, found = first, last, read(self.model, first, last, *arguments)
        if first < begin:
            begin, found = first, _join(read(self.model, first, begin - DAY, *arguments), found)
        if last > end:
            end, found = last, _join(found, read(self.model, end + DAY, last, *arguments))
        known[key] = begin, end, found
        return found if (begin, end) == (first, last) else _between(found, first, last, day_of)

    def ask_anew(self) -> None:
        """Read anew what was asked, because it was changed."""
        if self.__dict__.get(_ASKED):
            self.__dict__[_ASKED] = {}

    @property
    def channels(self) -> list[str]:
        """Return the channels for new alerts by their names in the outbox; none in a silent run."""
        return [] if self.is_silent else list(self.declared_channels)

    @cached_property
    def declared_channels(self) -> dict[str, Channel]:
        """Return all channels of the model, of the spec and the deployment, by their names in the outbox."""
        return channels_of(self.spec, self.shared_channels)

    @property
    def policy(self) -> Policy:
        """Return the alert policy of the spec."""
        alerts = self.spec.alerts
        return Policy(opens_after=alerts.opens_after, clears_after=alerts.clear, cooldown=alerts.cooldown)

    @property
    def clock(self) -> Clock:
        """Return the event times of the rows, with the zone of the days."""
        return Clock(column=self.spec.time_column, zone=self.spec.day_zone)

    def partition(self, day: date | str) -> Partition:
        """Return the partition of a day, which may be given by its key."""
        if isinstance(day, str):
            return Partition.from_key(self.model, day, self.spec.day_zone)
        return Partition.of_day(self.model, day, self.spec.day_zone)

    def partitions(self, first: date, last: date) -> Iterator[Partition]:
        """Yield the partition of each day of a range, both ends included."""
        return days_between(self.model, first, last, self.spec.day_zone)

    def uri(self, *parts: str) -> str:
        """Return the URI of a file of this model in the workspace."""
        return join_uri(self.workspace, self.model, *parts)

    def version_uri(self, partition: Partition, version: str, name: str) -> str:
        """Return the URI of a file of one version of a partition."""
        return self.uri("partitions", partition.key, version, name)

    def report_uri(self, *parts: str) -> str:
        """Return the URI of a page of this model."""
        return join_uri(self.workspace, "reports", self.model, *parts)

    def page_url(self, partition: Partition) -> str:
        """Return the public address of a day's page."""
        below = self.reports_url or join_uri(self.workspace, "reports")
        return f"{below}/{self.model}/{partition.key}/report.html"

    def predictions_folder(self, partition: Partition) -> str:
        """Return the folder of the partition's predictions in the archive; the first and the last of several."""
        folders = day_folders(self.spec.predictions, partition)
        return folders[0] if len(folders) == 1 else f"{folders[0]} … {folders[-1]}"


def _join(before: _Days, after: _Days) -> _Days:
    """Join what is known of two ranges of days."""
    return before | after if isinstance(before, dict) else [*before, *after]


def _between(found: _Days, first: date, last: date, day_of: Callable[[Any], date]) -> _Days:
    if isinstance(found, dict):
        return {key: value for key, value in found.items() if first <= day_of(key) <= last}
    return [entry for entry in found if first <= day_of(entry) <= last]
