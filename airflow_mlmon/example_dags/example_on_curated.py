"""Read the curated rows of each day of a model as soon as they are there, such as for a table of features.

The schedule is the model's asset: its events have the day as partition key, and so has the run that reads it, also in a
backfill and when a day is redone. Replace `read_day` by your own work.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, PartitionedAssetTimetable, task

from airflow_mlmon.operators.assets import curated_asset

MODEL = "fraud"
SPEC = "include/models/fraud.yaml"

with DAG(
    dag_id=f"{MODEL}_on_curated",
    schedule=PartitionedAssetTimetable(assets=curated_asset(MODEL)),
    catchup=False,
    tags=["mlmon", "example"],
):

    @task
    def read_day(dag_run: Any = None) -> dict[str, Any]:
        """Read the rows of the day of the run, and count them."""
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - a task's import
        from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415
        from airflow_mlmon.loading import load_spec  # noqa: PLC0415
        from airflow_mlmon.pipeline.workspace.curated import read_curated  # noqa: PLC0415

        with open_run(load_spec(SPEC), read_airflow_settings()) as run:
            day = run.partition(dag_run.partition_key)
            [state] = run.store.states(MODEL, day.day, day.day)
            rows = read_curated(run, day, state.version or "")
        return {"partition": day.key, "rows": rows.num_rows}

    read_day()
