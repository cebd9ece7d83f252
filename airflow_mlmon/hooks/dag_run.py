"""Reading of the partition of a run from Airflow's context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlmon.partition import DEFAULT_ZONE, Partition
from airflow_mlmon.pipeline.resolve import resolve_partition

_BACKFILL, _MANUAL = "backfill", "manual"


def is_silent(context: Mapping[str, Any]) -> bool:
    """Return whether a DAG run sends no alerts: a backfill, unless its conf says `send_alerts: true`."""
    dag_run = context["dag_run"]
    return getattr(dag_run, "run_type", None) == _BACKFILL and (dag_run.conf or {}).get("send_alerts") is not True


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
