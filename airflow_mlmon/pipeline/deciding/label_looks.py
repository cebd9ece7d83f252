"""Looks at the labels of a day, which is evaluated at each delivery of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import LABEL_COVERAGE


def may_get_more(run: Run, partition: Partition) -> bool:
    """Return True if labels of a day may still be delivered."""
    labels = run.spec.labels
    if labels is None or not labels.reach:
        return False
    last = partition.shift(labels.reach).day
    return not any(delivery.partition.day >= last for delivery in run.store.deliveries(run.model, last, date.max))


def share_of_labels(metrics: Sequence[MetricValue]) -> float:
    """Return the label coverage."""
    found = (value.value for value in metrics if value.metric == LABEL_COVERAGE and value.segment is None)
    return next(found, None) or 1.0
