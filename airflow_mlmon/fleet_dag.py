"""A DAG that writes the pages of all models each morning.

from pathlib import Path
from airflow_mlmon.fleet_dag import build_fleet_dag
dag = build_fleet_dag(Path(__file__).parents[1] / "include" / "models")
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_mlmon.operators.fleet import WriteFleetOperator

_ARGUMENTS: dict[str, Any] = {
    "dag_id": "mlmon_fleet",
    "description": "Pages of all models, and the inbox.",
    "schedule": "0 7 * * *",
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {"retries": 2, "retry_delay": timedelta(minutes=2)},
    "tags": ["mlmon"],
}


def build_fleet_dag(*folders: str | Path, **dag_arguments: Any) -> DAG:
    """Build the DAG of the pages of all models.

    Args:
        folders: folders of specs, as of `build_dags`; a model that has run is on the pages without one too.
        dag_arguments: passed to the DAG; they override its own, such as a `schedule` of 7:00 UTC.
    """
    with DAG(**(_ARGUMENTS | dag_arguments)) as dag:  # noqa: AIR002 - the schedule is among them
        WriteFleetOperator(task_id="write_fleet", folders=folders)
    return dag
