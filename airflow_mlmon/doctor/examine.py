"""Examination of a deployment and of models: each part once, whatever is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from airflow_mlmon.alerts.channels import channels_of
from airflow_mlmon.doctor.diagnosis import Diagnosis, TellTime, doubtful, good, guarded, wrong
from airflow_mlmon.doctor.machine import check_disk, check_versions, check_workers
from airflow_mlmon.doctor.places import check_archives, check_hash_key, check_metric_store, check_workspace_access
from airflow_mlmon.doctor.receivers import check_channel, check_ready, warn_of_nobody
from airflow_mlmon.doctor.services import check_druid, check_mlflow, check_redis
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.connection import find_connection
from airflow_mlmon.hooks.mlflow_server import connect_mlflow
from airflow_mlmon.hooks.run import connect_druid
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.hooks.workers import find_workers
from airflow_mlmon.loading import ListedSpec, load_channels
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec, SharedChannel
from airflow_mlmon.spec.choices import PersonalData
from airflow_mlmon.storage import Storage, join_uri

_SHORT_KEY = 16
_GAUGES = "metrics folder"


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Examination of a deployment; what several models share is looked at once.

    Attributes:
        settings: Of the deployment.
        clock: Tells the time.
        sleep: Waits for some seconds.
    """

    settings: Settings
    clock: TellTime
    sleep: Callable[[float], None]
    storage: Storage = field(default_factory=open_storage)
    _seen: set[object] = field(default_factory=set)

    def examine(self, listed: Sequence[ListedSpec]) -> Iterator[Diagnosis]:
        """Yield the findings on the deployment, then on each model."""
        settings = self.settings
        yield from guarded("versions", check_versions)
        yield from guarded("disk", partial(check_disk, self._local_places()))
        yield from guarded("workers", lambda: check_workers(find_workers(), settings.store))
        yield from guarded("settings", self._check_settings)
        yield from guarded("store", partial(check_metric_store, settings.store, self.clock))
        yield from guarded("workspace", self._check_workspace)
        if settings.metrics_folder is not None:
            yield from guarded(_GAUGES, partial(self._check_gauges, settings.metrics_folder))
        if settings.pushgateway is not None:
            yield from guarded(
                "push gateway", partial(check_ready, "push gateway", settings.pushgateway, "Pushgateway")
            )
        shared = yield from self._shared_channels()
        for one in listed:
            yield from self._examine_model(one, shared)

    def _local_places(self) -> dict[str, Path]:
        settings = self.settings
        places = {}
        if settings.store.startswith("sqlite:///"):
            places["the store"] = Path(settings.store.removeprefix("sqlite:///").partition("?")[0])
        if "://" not in settings.workspace:
            places["the workspace"] = Path(settings.workspace)
        return places

    def _check_settings(self) -> Iterator[Diagnosis]:
        for name in ("hash_key", "metrics_token"):
            value = getattr(self.settings, name)
            if value is not None and len(value) < _SHORT_KEY:
                said = f"[mlmon] {name} has {len(value)} characters, which can be guessed"
                hint = (
                    "openssl rand -hex 32" if name == "metrics_token" else "see Rotating keys in maintenance.md first"
                )
                yield doubtful(f"setting {name}", said, hint)
        if not self.settings.reports_url.startswith("http"):
            said = "links in messages lead to a folder, which those who read them may not have"
            yield doubtful("setting reports_url", said, "set [mlmon] reports_url, or Airflow's [api] base_url")

    def _check_workspace(self) -> Iterator[Diagnosis]:
        settings = self.settings
        files = self.storage.at(settings.workspace, settings.workspace_connection)
        return check_workspace_access(files, settings.workspace, self.clock)

    def _check_gauges(self, folder: str) -> Iterator[Diagnosis]:
        uri = join_uri(folder, ".doctor.probe")
        files = self.storage.at(uri)
        files.write(uri, b"")
        files.delete(uri)
        yield good(_GAUGES, f"{folder} may be written to")

    def _shared_channels(self) -> Generator[Diagnosis, None, tuple[SharedChannel, ...]]:
        """Yield what is wrong with the file of shared channels, and return them."""
        if self.settings.channels is None:
            return ()
        try:
            return load_channels(self.settings.channels)
        except MlmonError as error:
            yield wrong("channels", error.message, error.hint or "`mlmon fleet` and runs refuse this file too")
            return ()

    def _examine_model(self, listed: ListedSpec, shared: Sequence[SharedChannel]) -> Iterator[Diagnosis]:
        spec = listed.spec
        if spec is None:
            yield wrong(f"{listed.model}: spec", listed.error.splitlines()[0], f"`mlmon check {listed.path}` says more")
            return
        if any(column.personal is PersonalData.HASH for column in spec.columns.values()):
            part = f"{spec.model}: setting hash_key"
            yield from guarded(part, partial(check_hash_key, part, self.settings, spec.model))
        yield from guarded(f"{spec.model}: archive", partial(check_archives, spec, self.storage, self.clock))
        yield from self._examine_services(spec)
        channels = channels_of(spec, shared)
        if not channels:
            yield from warn_of_nobody(f"{spec.model}: channels")
        for key, channel in channels.items():
            part = f"channel {key}"
            if self._is_new(channel.model_dump_json()):
                yield from guarded(part, partial(check_channel, part, channel))

    def _examine_services(self, spec: ModelSpec) -> Iterator[Diagnosis]:
        declared, redis = spec.reference.mlflow, spec.duplicates.redis if spec.duplicates else None
        if self._is_new(("druid", spec.druid.model_dump_json())):
            yield from guarded("druid", partial(self._check_druid, spec))
        if declared is not None and self._is_new(("mlflow", declared.connection)):
            part = f"mlflow {declared.connection}"
            yield from guarded(part, lambda: check_mlflow(part, connect_mlflow(declared.connection)))
        if redis is not None and self._is_new(("redis", redis)):
            part = f"redis {redis}"
            yield from guarded(part, lambda: check_redis(part, self.storage.cache(redis), self.clock))

    def _check_druid(self, spec: ModelSpec) -> Iterable[Diagnosis]:
        part = f"druid {spec.druid.connection}"
        if find_connection(spec.druid.connection) is None and "druid" not in spec.model_fields_set:
            return ()
        client = connect_druid(spec.druid)
        return check_druid(part, client, spec.druid, datasource=spec.model, clock=self.clock, sleep=self.sleep)

    def _is_new(self, what: object) -> bool:
        is_new = what not in self._seen
        self._seen.add(what)
        return is_new
