"""The drift of a column as a metric, the same for columns of the predictions and for the label."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import DRIFT


def score_metric(drift: ColumnDrift, baseline: str, **more: Any) -> MetricValue:
    """The score, with its limit and what it was compared with in the detail; `more` joins them."""
    detail: dict[str, Any] = {
        "method": drift.method,
        "limit": drift.limit,
        "nights": drift.nights,
        "state": drift.state,
        "baseline": baseline,
        "note": drift.note,
    }
    if drift.kind is Kind.VECTOR:
        detail |= {"mean_shift": drift.mean_shift, "mean_shift_limit": drift.mean_shift_limit}
    return MetricValue(
        metric=DRIFT,
        column=drift.column,
        value=drift.score,
        rows=drift.rows_current,
        withheld=drift.note if drift.is_withheld else "",
        detail=detail | more,
    )
