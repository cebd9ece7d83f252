"""Stored metrics of the days before by what they are of, and those of the last weeks, whose means are compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.evaluation.windows import WINDOWS
from airflow_mlmon.records import SubjectKey
from airflow_mlmon.tasks.registry import METRICS

Points = Mapping[SubjectKey, list[tuple[date, Point]]]


def points_by_subject(found: Iterable[tuple[date, SubjectKey, float, int]]) -> Points:
    """Return stored values by what they are of, in the order of the days."""
    points: dict[SubjectKey, list[tuple[date, Point]]] = {}
    for day, key, value, rows in found:
        points.setdefault(key, []).append((day, Point(value=value, rows=rows)))
    return points


def recent_points(found: Points, day: date, unlike: Collection[date]) -> dict[SubjectKey, list[tuple[date, Point]]]:
    """Return the metrics of the last four weeks, without outputs of other versions."""
    last = day - timedelta(days=max(WINDOWS))
    recent = {}
    for key, points in found.items():
        is_left_out = bool(unlike) and METRICS[key[0]].of_model
        if kept := [one for one in points if one[0] > last and not (is_left_out and one[0] in unlike)]:
            recent[key] = kept
    return recent
