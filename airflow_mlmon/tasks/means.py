"""Means of numeric columns, with their intervals."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.intervals import Interval, mean_interval
from airflow_mlmon.tasks.contrast import Difference


def measure_mean(metric: str, column: ColumnProfile | None) -> list[MetricValue]:
    """Measure the mean of a column; nothing where there is no such column."""
    if not isinstance(column, NumericProfile):
        return []
    rows = column.observed
    measured = MetricValue(metric=metric, value=column.mean, rows=rows, reason="" if rows else "no row has a value")
    return [measured.within(column.mean_interval)]


def compare_means(metric: str, before: ColumnProfile | None, after: ColumnProfile | None) -> list[Difference]:
    """Compare the means of a column; nothing where a side has none."""
    interval = difference_of_means(before, after)
    if interval is None or not isinstance(before, NumericProfile) or not isinstance(after, NumericProfile):
        return []
    return [Difference(metric=metric, before=before.mean, after=after.mean, low=interval[0], high=interval[1])]


def difference_of_means(before: ColumnProfile | None, after: ColumnProfile | None) -> Interval | None:
    """Return Welch's interval of the difference of two means; None where a side has none."""
    if not isinstance(before, NumericProfile) or not isinstance(after, NumericProfile):
        return None
    if before.mean is None or after.mean is None or before.std is None or after.std is None:
        return None
    return mean_interval(before.mean, before.std, before.observed, (after.mean, after.std, after.observed))
