"""Keeps a night that failed from going unnoticed."""

from __future__ import annotations

from airflow_mlmon.alerts.breach import status_alert
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Night


def record_failure(run: Run, partition: Partition, message: str) -> None:
    """Record the night as FAILED, with an alert; a version that was served before stays served."""
    alert = status_alert(Night.failed(partition, message))
    run.store.record_failure(partition, message, alert, channels=run.channels, policy=run.policy)
