"""Runs the operator of Druid in this process, with a context as Airflow would give it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.operators.druid import DruidIngestOperator
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.load import DruidIngest, Ingest
from airflow_mlmon.pipeline.run import Run
from tests.support.druid.bucket import QUICK


def ingested(run: Run, client: DruidClient, *days: date) -> Ingest:
    """How the loads of some days end, waiting for them here."""
    partitions = [Partition.of_day(run.model, day) for day in days]
    ingest = DruidIngest(run, client, partitions, today=days[0], patience=QUICK)
    state = ingest.begin()
    while state.open:
        state = ingest.wait(state)
    return state


def environment(folder: Path, url: str, **fields: Any) -> dict[str, str]:
    """Settings and connection of a model whose store and workspace lie in `folder`."""
    return {
        "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
        "AIRFLOW_CONN_MLMON_DRUID_DEFAULT": json.dumps({"conn_type": "mlmon_druid", "host": url} | fields),
    }


def operator(spec: Path, day: date, **given: Any) -> DruidIngestOperator:
    """The operator for the day of a day."""
    arguments = {"evaluated": {"days": [str(day)]}, "partition": str(day)} | given
    return DruidIngestOperator(task_id="druid_ingest", spec_path=str(spec), **arguments)


def context(clear_number: int = 0) -> Any:
    """What the operator reads of Airflow's context; Airflow's own number of tries is no part of it."""
    dag_run = SimpleNamespace(
        conf={}, partition_key=None, data_interval_start=None, data_interval_end=None, clear_number=clear_number
    )
    return {"dag_run": dag_run, "params": {}, "ti": SimpleNamespace(try_number=1, max_tries=2)}
