"""Reading of the partition of a run from Airflow's context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_mlmon.partition import DEFAULT_ZONE, Partition
from airflow_mlmon.pipeline.resolve import check_timely, resolve_partition

if TYPE_CHECKING:
    from airflow_mlmon.spec import ModelSpec

_BACKFILL, _MANUAL = "backfill", "manual"


def is_silent(context: Mapping[str, Any]) -> bool:
    """Return whether a DAG run sends no alerts: a backfill, unless its conf says `send_alerts: true`."""
    dag_run = context["dag_run"]
    return getattr(dag_run, "run_type", None) == _BACKFILL and (dag_run.conf or {}).get("send_alerts") is not True


def find_log_url(context: Mapping[str, Any]) -> str:
    """Return the address of a DAG run in Airflow's UI, with the logs of its tasks; empty if it is not known."""
    from airflow_mlmon.hooks.configuration import read_base_url  # noqa: PLC0415 - heavy

    dag_run, base_url = context["dag_run"], read_base_url()
    if not base_url:
        return ""
    return f"{base_url}/dags/{quote(dag_run.dag_id, safe='')}/runs/{quote(dag_run.run_id, safe='')}"


def find_partition(
    model: str, context: Mapping[str, Any], given: str | None = None, zone: str = DEFAULT_ZONE
) -> Partition:
    """Determine the partition of the DAG run of `context`."""
    dag_run = context["dag_run"]
    params = context.get("params") or {}
    return resolve_partition(
        model,
        zone=zone,
        given=given or (dag_run.conf or {}).get("partition") or params.get("partition"),
        partition_key=getattr(dag_run, "partition_key", None),
        interval_start=dag_run.data_interval_start,
        interval_end=dag_run.data_interval_end,
        asked=dag_run.logical_date if getattr(dag_run, "run_type", None) == _MANUAL else None,
    )


def find_timely_partition(
    spec: ModelSpec, context: Mapping[str, Any], given: str | None = None, *, now: datetime
) -> Partition:
    """Determine the day that a task processes.

    One that is not over yet or not monitored is refused in a run that was started by hand, unless its conf or params
    say `force: true` or the task itself names the day; a scheduled run is never refused.

    Raises:
        ConfigError: the run names no day, or one that is refused.
    """
    partition = find_partition(spec.model, context, given, spec.day_zone)
    dag_run = context["dag_run"]
    asked = {**(context.get("params") or {}), **(dag_run.conf or {})}
    is_by_hand = getattr(dag_run, "run_type", None) == _MANUAL
    if is_by_hand and not given and asked.get("force") is not True:
        check_timely([partition], start=spec.start, end=spec.end, now=now)
    return partition
