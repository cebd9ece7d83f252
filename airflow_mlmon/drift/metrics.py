"""Drift of a column as a metric, for columns of the predictions and for the label."""

from __future__ import annotations

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.records import DriftDetail, MetricValue
from airflow_mlmon.spec.metrics import DRIFT


def score_metric(drift: ColumnDrift, baseline: str) -> MetricValue:
    """Return the score as a metric, with how it was taken and what it was compared with."""
    return MetricValue(
        metric=DRIFT,
        column=drift.column,
        value=drift.score,
        rows=drift.rows_current,
        reason=drift.note if drift.score is None else "",
        withheld=drift.note if drift.is_withheld else "",
        drift=DriftDetail(
            method=str(drift.method),
            baseline=baseline,
            rows_reference=drift.rows_reference,
            note=drift.note,
            mean_shift=drift.mean_shift,
        ),
    )
