"""A DAG that writes the pages of all models each morning, and sends each owner the morning message.

from pathlib import Path
from airflow_mlmon.fleet_dag import build_fleet_dag
dag = build_fleet_dag(Path(__file__).parents[1] / "include" / "models")
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule

from airflow_mlmon.operators.fleet import SendDigestsOperator, WriteFleetOperator
from airflow_mlmon.partition import DEFAULT_ZONE

_ARGUMENTS: dict[str, Any] = {
    "dag_id": "mlmon_fleet",
    "description": "Pages of all models, the inbox, and the morning message of each owner.",
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {"retries": 2, "retry_delay": timedelta(minutes=2)},
    "tags": ["mlmon"],
}


def build_fleet_dag(*folders: str | Path, zone: str = DEFAULT_ZONE, **dag_arguments: Any) -> DAG:
    """Build the DAG of the pages of all models.

    Args:
        folders: folders of specs, as of `build_dags`; a model that has run is on the pages without one too.
        zone: time zone of the mornings.
        dag_arguments: passed to the DAG; they override its own, such as a `schedule` of seven o'clock.
    """
    own = {**_ARGUMENTS, "schedule": CronTriggerTimetable("0 7 * * *", timezone=zone)}
    with DAG(**(own | dag_arguments)) as dag:  # noqa: AIR002 - the schedule is among them
        write = WriteFleetOperator(task_id="write_fleet", folders=folders)
        # who waits for the message wants it although the pages could not be written
        send = SendDigestsOperator(task_id="send_digests", zone=zone, trigger_rule=TriggerRule.ALL_DONE)
        write >> send
    return dag
