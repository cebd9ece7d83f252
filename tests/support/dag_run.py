"""Runs one DAG of a file with `dag.test()` and prints what became of its tasks."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

from airflow.dag_processing.dagbag import DagBag


def main(path: str, day: str, dag_id: str = "", conf: str = "{}") -> None:
    """Run the DAG, of several the one of that id, for the partition of `day` with a conf."""
    bag = DagBag(path)
    if bag.import_errors:
        sys.exit(f"import errors: {bag.import_errors}")
    [dag] = [dag for dag in bag.dags.values() if dag_id in ("", dag.dag_id)]
    # a run by hand gets the last interval that has ended at its logical date; a midnight could be a day that was typed
    moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1, hours=12)
    dag_run = dag.test(logical_date=moment, run_conf=json.loads(conf))
    tasks = dag_run.get_task_instances()
    states = {task.task_id: str(task.state) for task in tasks}
    values = {
        task.task_id: task.xcom_pull(task_ids=task.task_id) for task in tasks if states[task.task_id] == "success"
    }
    links = {
        task.task_id: [task.xcom_pull(task_ids=task.task_id, key=link.xcom_key) for link in links]
        for task in tasks
        if (links := dag.task_dict[task.task_id].operator_extra_links)
    }
    seconds = {task.task_id: round(task.duration or 0, 2) for task in tasks}
    found = {"state": str(dag_run.state), "tasks": states, "values": values, "seconds": seconds, "links": links}
    print(json.dumps(found, default=str))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
