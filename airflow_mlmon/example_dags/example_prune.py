"""Prune what is stored of a model's old days every week, as `retention` in its spec says."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, task

MODEL = "fraud"
SPEC = "include/models/fraud.yaml"

with DAG(dag_id=f"{MODEL}_prune", schedule="@weekly", catchup=False, max_active_runs=1, tags=["mlmon", "example"]):

    @task
    def prune_model() -> dict[str, Any]:
        """Delete what is old and nothing rests on, and return how much of each kind, and why more was kept."""
        from airflow.sdk.timezone import utcnow  # noqa: PLC0415 - a DAG file imports what its tasks need in the tasks

        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415
        from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415
        from airflow_mlmon.loading import load_spec  # noqa: PLC0415
        from airflow_mlmon.pipeline.retention.prune import plan_pruning, prune  # noqa: PLC0415

        with open_run(load_spec(SPEC), read_airflow_settings(), must_exist=True) as run:
            plan = plan_pruning(run, utcnow())
            prune(run, plan)
        return {
            str(one.stored): {
                "files": one.objects,
                "bytes": one.size,
                "records": sum(one.records.values()),
                "kept": {reason: len(days) for reason, days in one.kept.items()},
            }
            for one in plan
        }

    prune_model()
