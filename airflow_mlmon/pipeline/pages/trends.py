"""Metrics over the trailing nights, drawn beside the limits that each night was judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from airflow_mlmon.partition import date_range
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.charts import Trend, TrendPoint, trend
from airflow_mlmon.reports.page import TrendChart
from airflow_mlmon.tasks.binary.table import POSITIVE_SHARE, SCORE_MEAN
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.titles import subject_title

# drawn whether the spec limits them or not
_ALWAYS = (
    ("multivariate_drift", None),
    (SCORE_MEAN, None),
    (POSITIVE_SHARE, None),
    ("accuracy", None),
    ("log_loss", None),
)
# of what is in breach, which the spec need not name
_MOST_BREACHED = 3
# a point alone is no picture
_FEWEST = 2

Key = tuple[str, str | None]


def trend_charts(run: Run, last: date, marks: Mapping[date, str]) -> tuple[TrendChart, ...]:
    """A chart for every limited metric, what is in breach, and some more, over the trailing nights up to `last`.

    `marks` says what happened to the model on some nights.
    """
    first = _first(run, last)
    values = run.store.metrics(run.model, first, last)
    verdicts = _verdicts(run, first, last)
    days = date_range(first, last)
    charts = []
    for metric, column in dict.fromkeys([*_breached(verdicts, last)[:_MOST_BREACHED], *_drawn(run)]):
        points = tuple(
            replace(
                _point(day, values.get((day, metric, column)), verdicts.get((day, metric, column))),
                mark=marks.get(day, ""),
            )
            for day in days
        )
        if any(point.value is not None for point in points):
            series = _trend(run, metric, column, points)
            charts.append(TrendChart(title=series.title, svg=trend(series)))
    return tuple(charts)


def trend_of(run: Run, last: date, metric: str, column: str | None) -> Trend | None:
    """One metric over the trailing nights up to `last`; None where it has fewer than two values."""
    first = _first(run, last)
    values = run.store.metrics(run.model, first, last)
    verdicts = _verdicts(run, first, last)
    keys = [(day, metric, column) for day in date_range(first, last)]
    points = tuple(_point(key[0], values.get(key), verdicts.get(key)) for key in keys)
    if sum(point.value is not None for point in points) < _FEWEST:
        return None
    return _trend(run, metric, column, points)


def _trend(run: Run, metric: str, column: str | None, points: tuple[TrendPoint, ...]) -> Trend:
    title = subject_title(metric, column, run.spec.labels)
    return Trend(title=title, unit="%" if METRICS[metric].is_share else "", points=points)


def shown_marks(run: Run, last: date, marks: Mapping[date, str]) -> dict[date, str]:
    """The marks of the nights that the charts show."""
    return {day: mark for day, mark in marks.items() if _first(run, last) <= day <= last}


def _first(run: Run, last: date) -> date:
    return last - timedelta(days=run.spec.history.nights)


def _drawn(run: Run) -> Iterable[Key]:
    limited = [(rule.metric, rule.column) for rule in run.spec.alerts.rules]
    return dict.fromkeys([*limited, *(key for key in _ALWAYS if run.spec.labels or not METRICS[key[0]].needs_labels)])


def _breached(verdicts: Mapping[tuple[date, str, str | None], Verdict], last: date) -> list[Key]:
    """What is in breach on the last night, the largest effect first."""
    found = [
        verdict
        for (day, metric, _), verdict in verdicts.items()
        if day == last and metric in METRICS and verdict.state is VerdictState.BREACH
    ]
    found.sort(key=lambda verdict: -abs(verdict.effect or 0.0))
    return [(verdict.metric, verdict.column) for verdict in found]


def _verdicts(run: Run, first: date, last: date) -> dict[tuple[date, str, str | None], Verdict]:
    """The verdict on each value; of several on one value, that of the history, which makes a band."""
    found: dict[tuple[date, str, str | None], Verdict] = {}
    for night in run.store.nights(run.model, first, last):
        if night.judged:
            for verdict in run.store.verdicts(night.partition):
                key = (night.partition.day, verdict.metric, verdict.column)
                if verdict.segment is None and (key not in found or verdict.history is not None):
                    found[key] = verdict
    return found


def _point(day: date, value: float | None, verdict: Verdict | None) -> TrendPoint:
    if verdict is None:
        return TrendPoint(day=day, value=value)
    is_limited = verdict.low is not None or verdict.high is not None
    return TrendPoint(
        day=day,
        value=value,
        low=verdict.low,
        high=verdict.high,
        breach=verdict.state is VerdictState.BREACH,
        usual=None if is_limited else verdict.usual,
    )
