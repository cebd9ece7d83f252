"""Means over the last days: of days too few to be evaluated alone, and of weeks against the initial window."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from airflow_mlmon.evaluation.history import MOST_POOLED
from airflow_mlmon.evaluation.series import Point, Series
from airflow_mlmon.records import MetricValue

# a week and four weeks, in which a slow change shows
WINDOWS = (7, 28)
_Points = Sequence[tuple[date, Point]]


def pool_days(value: MetricValue, recent: _Points, day: date, fewest: int) -> tuple[MetricValue, frozenset[date]]:
    """Return the mean of a metric over as many of the last days as have enough rows together, and the other days.

    The metric is returned as it is if it has enough rows, or if a week has too few.
    """
    days: list[tuple[date, Point]] = []
    rows = value.rows
    for past, point in reversed(recent):
        if rows >= fewest or (day - past).days >= MOST_POOLED:
            break
        days.append((past, point))
        rows += point.rows
    if value.value is None or not days or rows < fewest:
        return value, frozenset()
    mean = _mean([(value.value, value.rows), *((point.value, point.rows) for _, point in days)])
    words = f"mean of {len(days) + 1} days, each of too few rows"
    return replace(value, value=mean, rows=rows, low=None, high=None, reason=words), frozenset(past for past, _ in days)


def average_window(series: Series, recent: _Points, days: int, left_out: Collection[date]) -> Series | None:
    """Return the series with the mean of the last days as its number; None if fewer than half of them have one."""
    held = [
        (past, point)
        for past, point in recent
        if (series.day - past).days < days and past not in left_out and math.isfinite(point.value)
    ]
    if 2 * (len(held) + 1) < days:
        return None
    points = [(series.now.value, series.now.rows), *((point.value, point.rows) for _, point in held)]
    rows = round(sum(own for _, own in points) / len(points))
    return replace(series, now=Point(value=_mean(points), rows=rows), averaged=len(points))


def _mean(points: Sequence[tuple[float, int]]) -> float:
    total = sum(rows for _, rows in points)
    return sum(value * rows for value, rows in points) / total if total else points[0][0]
