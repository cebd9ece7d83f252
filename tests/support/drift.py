"""The drift that is stored of a day."""

from __future__ import annotations

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import DRIFT, MULTIVARIATE


def drift_of(run: Run, partition: Partition, segment: str | None = None) -> dict[str, MetricValue]:
    """The score of each column of the data, of all rows or of a segment."""
    label = run.spec.labels.label if run.spec.labels else None
    return {
        value.column: value
        for value in run.store.metric_values(partition)
        if value.metric == DRIFT and value.segment == segment and value.column != label
    }


def multivariate_of(run: Run, partition: Partition) -> MetricValue | None:
    """The score of all features together; None where the spec did not ask."""
    return next((value for value in run.store.metric_values(partition) if value.metric == MULTIVARIATE), None)
