"""Record of a failed run."""

from __future__ import annotations

from airflow_mlmon.alerts.breach import status_alerts
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import PartitionState


def record_failure(run: Run, partition: Partition, message: str) -> None:
    """Record the day as FAILED with an alert; an earlier served version stays served."""
    [alert] = status_alerts(PartitionState.failed(partition, message))
    run.store.register(run.registered)
    run.store.record_failure(partition, message, alert, channels=run.channels, policy=run.policy)
