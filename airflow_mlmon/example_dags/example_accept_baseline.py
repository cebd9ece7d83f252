"""Ask a person whether drifted data are the new normal, and accept a baseline on approval.

The asset event comes from the nightly DAG and holds the verdict. The question appears in Airflow under
*Required actions*; without an answer within a week the baseline is unchanged.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, task

from airflow_mlmon.operators.assets import drift_asset

MODEL = "fraud"
SPEC = "include/models/fraud.yaml"
DAYS = 14

with DAG(dag_id=f"{MODEL}_accept_baseline", schedule=[drift_asset(MODEL)], catchup=False, tags=["mlmon", "example"]):

    @task(inlets=[drift_asset(MODEL)])
    def read_verdict(inlet_events: Any = None) -> dict[str, Any]:
        """Read the latest verdict: the alerts, their size, and the page that shows them."""
        return dict(inlet_events[drift_asset(MODEL)][-1].extra)

    ask = ApprovalOperator(
        task_id="ask",
        subject=f"Is this the new normal of {MODEL}?",
        body="{% set verdict = ti.xcom_pull(task_ids='read_verdict') %}"
        "{% for alert in verdict.alerts %}- {{ alert.text }}\n{% endfor %}\n"
        f"Approve to compare its days with the {DAYS} days before them from now on. "
        "[The day's page]({{ verdict.report }})",
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(days=7),
    )

    @task
    def accept_baseline(verdict: Any, answer: Any) -> str:
        """Pin the trailing days as the baseline, in the name of the person who approved."""
        from airflow.sdk.timezone import utcnow  # noqa: PLC0415 - a DAG file imports what its tasks need in the tasks

        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415
        from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415
        from airflow_mlmon.loading import load_spec  # noqa: PLC0415
        from airflow_mlmon.pipeline.baselines.accept import accept  # noqa: PLC0415
        from airflow_mlmon.spec.baseline import Baseline  # noqa: PLC0415

        who = (answer["responded_by_user"] or {}).get("name") or "the default answer"
        why = f"{verdict['partition']}: " + "; ".join(alert["title"] for alert in verdict["alerts"])
        with open_run(load_spec(SPEC), read_airflow_settings()) as run:
            baseline = Baseline(trailing=DAYS)
            pin = accept(run, baseline, version=None, first=None, who=who, why=why, at=utcnow())
        return f"{baseline.title()} from {pin.first} on"

    verdict = read_verdict()
    verdict >> ask
    accept_baseline(verdict, ask.output)
