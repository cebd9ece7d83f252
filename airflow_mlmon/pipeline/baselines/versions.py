"""Model versions that served, from the stored days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_mlmon.drift.versions import CategoryCounts, version_marks
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.profiles.keys import column_value
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import ROWS


def version_of(spec: ModelSpec, segment: str | None) -> str | None:
    """Return the version that a segment stands for; None for any other segment."""
    return column_value(spec.version_column, segment) if spec.version_column and segment else None


def counts_in(spec: ModelSpec, metrics: Sequence[MetricValue]) -> CategoryCounts:
    """Return the rows by version from the metrics of a day."""
    return {
        version: int(value.value or 0)
        for value in metrics
        if value.metric == ROWS and (version := version_of(spec, value.segment)) is not None
    }


def version_counts(run: Run, first: date, last: date) -> dict[date, CategoryCounts]:
    """Return the rows by version of each day of a range that has versions."""
    if run.spec.version_column is None:
        return {}
    days: dict[date, list[MetricValue]] = {}
    for day, value in run.store.segment_rows(run.model, first, last):
        days.setdefault(day, []).append(value)
    counted = {day: counts_in(run.spec, values) for day, values in days.items()}
    return {day: counts for day, counts in counted.items() if counts}


def marks_until(run: Run, last: date) -> dict[date, str]:
    """Return the marks of version changes by day, up to a day, from all days before it."""
    return version_marks(version_counts(run, date.min, last))
