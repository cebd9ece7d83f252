"""Retrain a model when its monitoring confirmed drift or a loss of performance.

The asset event comes from the nightly DAG and holds the verdict. Replace `train` by your own training; this one
fits a logistic regression to the labelled rows of the last four weeks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_mlmon.operators.assets import drift_asset

MODEL = "fraud"
LABEL = "fraud"
SPEC = "include/models/fraud.yaml"

with DAG(dag_id=f"{MODEL}_retrain", schedule=[drift_asset(MODEL)], catchup=False, tags=["mlmon", "example"]):

    @task(inlets=[drift_asset(MODEL)])
    def read_verdict(inlet_events: Any = None) -> dict[str, Any]:
        """Read the latest verdict: the alerts, their size, and the page that shows them."""
        return dict(inlet_events[drift_asset(MODEL)][-1].extra)

    @task
    def train(verdict: Any) -> dict[str, Any]:
        """Fit a model to the numeric features of the labelled rows up to the day of the verdict, and store it."""
        import json  # noqa: PLC0415 - a DAG file imports what its tasks need in the tasks

        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415
        from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415
        from airflow_mlmon.loading import load_spec  # noqa: PLC0415
        from airflow_mlmon.partition import Partition  # noqa: PLC0415
        from airflow_mlmon.pipeline.history.training import labelled_rows  # noqa: PLC0415
        from airflow_mlmon.spec import ColumnType  # noqa: PLC0415

        spec = load_spec(SPEC)
        numbers = [name for name in spec.features if spec.columns[name].type in {ColumnType.FLOAT, ColumnType.INTEGER}]
        with open_run(spec, read_airflow_settings()) as run:
            last = Partition.from_key(MODEL, verdict["partition"])
            rows = labelled_rows(run, last.day - timedelta(days=27), last.day)
            rows = rows.select([*numbers, LABEL]).drop_null()
            features = [list(row.values()) for row in rows.select(numbers).to_pylist()]
            fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, rows[LABEL].to_pylist())
            weights = dict(zip(numbers, fitted[-1].coef_[0].tolist(), strict=True))
            uri = run.uri("models", f"{last.key}.json")
            run.files.write(uri, json.dumps(weights).encode())
        return {"uri": uri, "rows": rows.num_rows, "because": verdict["changes"]}

    train(read_verdict())
