"""Metrics of the last weeks, whose means are compared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.evaluation.windows import WINDOWS
from airflow_mlmon.records import SubjectKey
from airflow_mlmon.tasks.registry import METRICS


def recent_points(
    found: Sequence[tuple[date, SubjectKey, float, int]], day: date, unlike: Collection[date]
) -> dict[SubjectKey, list[tuple[date, Point]]]:
    """Return the metrics of the last four weeks, without outputs of other versions."""
    recent: dict[SubjectKey, list[tuple[date, Point]]] = {}
    last = day - timedelta(days=max(WINDOWS))
    for before, key, value, rows in found:
        if before > last and not (before in unlike and METRICS[key[0]].of_model):
            recent.setdefault(key, []).append((before, Point(value=value, rows=rows)))
    return recent
