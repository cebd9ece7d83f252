"""Charts of metrics over the trailing days, with the limits of each day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from airflow_mlmon.partition import date_range
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.charts import Trend, TrendPoint, trend
from airflow_mlmon.reports.page import TrendChart
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import NDCG
from airflow_mlmon.tasks.registry import METRICS, task_of
from airflow_mlmon.tasks.titles import subject_title

# of metrics in breach, also without a rule in the spec
_MOST_BREACHED = 3
# a single point makes no chart
_FEWEST = 2

Key = tuple[str, str | None]


def trend_charts(run: Run, last: date, marks: Mapping[date, str]) -> tuple[TrendChart, ...]:
    """Draw charts of limited metrics, metrics in breach and some more, over the trailing days up to `last`.

    `marks` are events of the model on some days.
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
    """Draw one metric over the trailing days up to `last`; None if it has fewer than two values."""
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
    """Return the marks on the days of the charts."""
    return {day: mark for day, mark in marks.items() if _first(run, last) <= day <= last}


def _first(run: Run, last: date) -> date:
    return last - timedelta(days=run.spec.history.days)


def _drawn(run: Run) -> Iterable[Key]:
    limited = [(rule.metric, rule.column) for rule in run.spec.alerts.rules]
    # drawn with or without limits in the spec
    always = ("multivariate_drift", *task_of(run.spec).headline)
    shown = [(metric, None) for metric in (run.spec.operational.headline if run.spec.operational else ())]
    shown += [(NDCG, None)] if run.spec.columns_of(Role.ATTRIBUTION) else []
    shown += [(metric, None) for metric in always if run.spec.labels or not METRICS[metric].needs_labels]
    return dict.fromkeys([*limited, *shown])


def _breached(verdicts: Mapping[tuple[date, str, str | None], Verdict], last: date) -> list[Key]:
    """Return the metrics in breach on the last day, the largest effect first."""
    found = [
        verdict
        for (day, metric, _), verdict in verdicts.items()
        if day == last and metric in METRICS and verdict.state is VerdictState.BREACH
    ]
    found.sort(key=lambda verdict: -abs(verdict.effect or 0.0))
    return [(verdict.metric, verdict.column) for verdict in found]


def _verdicts(run: Run, first: date, last: date) -> dict[tuple[date, str, str | None], Verdict]:
    """Return the verdict on each value; of several, that of the history, which has a band."""
    found: dict[tuple[date, str, str | None], Verdict] = {}
    for state in run.store.states(run.model, first, last):
        if state.evaluated:
            for verdict in run.store.verdicts(state.partition):
                key = (state.partition.day, verdict.metric, verdict.column)
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
        expected=None if is_limited else verdict.expected,
    )
