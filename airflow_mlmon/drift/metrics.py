"""The drift of a column as a metric, the same for columns of the predictions and for the label."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import DRIFT


def score_metric(drift: ColumnDrift, baseline: str, **more: Any) -> MetricValue:
    """Return the score, with what it was compared with in the detail; `more` joins it."""
    detail: dict[str, Any] = {"method": drift.method, "baseline": baseline, "note": drift.note}
    if drift.kind is Kind.VECTOR:
        detail["mean_shift"] = drift.mean_shift
    return MetricValue(
        metric=DRIFT,
        column=drift.column,
        value=drift.score,
        rows=drift.rows_current,
        withheld=drift.note if drift.is_withheld else "",
        detail=detail | more,
    )
