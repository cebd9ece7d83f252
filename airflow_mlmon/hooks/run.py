"""Opening of a model's run with everything it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_mlmon.hooks.mlflow_server import connect_mlflow
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.loading import check_day_zone, load_channels
from airflow_mlmon.pipeline.run import DruidAccess, MlflowAccess, Progress, Run, silent
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.store.metric_store import MetricStore

if TYPE_CHECKING:
    from airflow_mlmon.druid.client import DruidClient


@contextmanager
def open_run(
    spec: ModelSpec,
    settings: Settings,
    progress: Progress = silent,
    *,
    is_silent: bool = False,
    must_exist: bool = False,
    log_url: str = "",
) -> Iterator[Run]:
    """Open the run of a model under the deployment's settings; its store is closed at the end.

    A silent run keeps its alerts in the store and sends none. With `must_exist` the store is not created.

    Raises:
        ConfigError: the stored days are days of another zone.
    """
    with MetricStore(settings.store, must_exist=must_exist) as store:
        check_day_zone(spec, store.day_zone(spec.model))
        yield Run(
            spec=spec,
            storage=open_storage(),
            store=store,
            workspace=settings.workspace,
            workspace_connection=settings.workspace_connection,
            hash_key=settings.hash_key,
            progress=progress,
            druid=DruidAccess(connect=lambda: connect_druid(spec.druid), today=datetime.now(UTC).date()),
            mlflow=MlflowAccess(connect=connect_mlflow, now=datetime.now(UTC)),
            is_silent=is_silent,
            reports_url=settings.reports_url,
            log_url=log_url,
            links=settings.links,
            shared_channels=load_channels(settings.channels) if settings.channels else (),
        )


def connect_druid(druid: Druid) -> DruidClient:
    """Create the client of a model's Druid.

    Raises:
        ConfigError: a connection does not exist or is invalid.
    """
    from airflow_mlmon.hooks.druid import MlmonDruidHook  # noqa: PLC0415 - imports Airflow

    return MlmonDruidHook(druid.connection, druid.broker).get_client()
