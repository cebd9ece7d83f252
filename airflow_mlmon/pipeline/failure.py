"""Keeps a night that failed from going unnoticed."""

from __future__ import annotations

from airflow_mlmon.alerts.breach import status_alert
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.records import Night, Status


def record_failure(run: Run, partition: Partition, message: str) -> None:
    """Record the night as FAILED, with an alert; a version that was served before stays served."""
    failed = Night(
        partition=partition,
        status=Status.FAILED,
        version=None,
        layout=None,
        rows_listed=0,
        rows_curated=0,
        rows_quarantined=0,
        message=message,
    )
    run.store.record_failure(partition, message, status_alert(failed), channels=run.channels)
