"""Charts of metrics over the trailing days, with the limits of each day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

from airflow_mlmon.drift.attributions import SHARE
from airflow_mlmon.partition import date_range
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import PartitionState, Verdict, VerdictState
from airflow_mlmon.reports.charts import Trend, TrendPoint, trend
from airflow_mlmon.reports.page import TrendChart
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import (
    BROKEN_RELATION_RATE,
    DRIFT,
    EQUAL_SHARE,
    EXPLAINED_SHARE,
    NDCG,
    NEW_CATEGORY_RATE,
    NULL_RATE,
    UNSEEN,
)
from airflow_mlmon.store.range_store import MetricColumn
from airflow_mlmon.tasks.registry import METRICS, task_of
from airflow_mlmon.tasks.titles import subject_title

# of metrics in breach, also without a rule in the spec
_MOST_BREACHED = 3
# metrics of columns, in the order of the charts of one
_OF_COLUMN = (
    DRIFT,
    NULL_RATE,
    NEW_CATEGORY_RATE,
    *UNSEEN,
    BROKEN_RELATION_RATE,
    EXPLAINED_SHARE,
    EQUAL_SHARE,
    SHARE,
)
# a single point makes no chart
_FEWEST = 2

_Key = TypeVar("_Key")


def trend_charts(
    run: Run, last: date, marks: Mapping[date, str], verdicts: Sequence[Verdict], days: int | None = None
) -> tuple[TrendChart, ...]:
    """Draw charts of limited metrics, metrics in breach and some more, over the days up to `last`.

    Args:
        run: the model.
        last: the last day.
        marks: events of the model on some days.
        verdicts: those of the last day.
        days: number of days; by default the trailing ones of the spec, and the last.
    """
    first = _first(run, last) if days is None else last - timedelta(days=days - 1)
    shown = date_range(first, last)
    keys = list(dict.fromkeys([*_breached(verdicts)[:_MOST_BREACHED], *_drawn(run)]))
    return _charts(run, shown, keys, marks)


def column_charts(run: Run, last: date, column: str, marks: Mapping[date, str], *, days: int) -> tuple[TrendChart, ...]:
    """Draw charts of the metrics of a column over some days up to `last`."""
    first = max(last - timedelta(days=days - 1), run.spec.start)
    return _charts(run, date_range(first, last), [(metric, column) for metric in _OF_COLUMN], marks)


def _charts(
    run: Run, days: Sequence[date], keys: Sequence[MetricColumn], marks: Mapping[date, str]
) -> tuple[TrendChart, ...]:
    found = _points(run, days, keys)
    charts = []
    for key in keys:
        points = tuple(replace(one, mark=marks[one.day]) if one.day in marks else one for one in found[key])
        if any(point.value is not None for point in points):
            series = _trend(run, *key, points)
            charts.append(TrendChart(title=series.title, svg=trend(series)))
    return tuple(charts)


def trend_of(run: Run, last: date, metric: str, column: str | None) -> Trend | None:
    """Draw one metric over the trailing days up to `last`; None if it has fewer than two values."""
    key = metric, column
    points = _points(run, date_range(_first(run, last), last), [key])[key]
    if sum(point.value is not None for point in points) < _FEWEST:
        return None
    return _trend(run, metric, column, tuple(points))


def _points(run: Run, days: Sequence[date], keys: Sequence[MetricColumn]) -> dict[MetricColumn, list[TrendPoint]]:
    """Return the points of some metrics of columns over consecutive days."""
    values = run.ask_days(run.store.metrics, days[0], days[-1], tuple(keys))
    verdicts = _verdicts(run, days, keys)
    return {key: [_point(day, values.get((day, *key)), verdicts.get((day, *key))) for day in days] for key in keys}


def _trend(run: Run, metric: str, column: str | None, points: tuple[TrendPoint, ...]) -> Trend:
    title = subject_title(metric, column, run.spec.labels)
    return Trend(title=title, unit="%" if METRICS[metric].is_share else "", points=points)


def shown_states(run: Run, first: date, last: date) -> list[PartitionState]:
    """Return the records of a range of days, as pages show them."""
    return run.ask_days(run.store.states, first, last, day_of=lambda state: state.partition.day)


def shown_marks(run: Run, last: date, marks: Mapping[date, str]) -> dict[date, str]:
    """Return the marks on the days of the charts."""
    return {day: mark for day, mark in marks.items() if _first(run, last) <= day <= last}


def _first(run: Run, last: date) -> date:
    return last - timedelta(days=run.spec.history.days)


def _drawn(run: Run) -> Iterable[MetricColumn]:
    limited = [(rule.metric, rule.column) for rule in run.spec.alerts.rules]
    # drawn with or without limits in the spec
    always = ("multivariate_drift", *task_of(run.spec).headline)
    shown = [(metric, None) for metric in (run.spec.operational.headline if run.spec.operational else ())]
    shown += [(NDCG, None)] if run.spec.columns_of(Role.ATTRIBUTION) else []
    shown += [(metric, None) for metric in always if run.spec.labels or not METRICS[metric].needs_labels]
    return dict.fromkeys([*limited, *shown])


def _breached(verdicts: Sequence[Verdict]) -> list[MetricColumn]:
    """Return the metrics in breach, the largest effect first."""
    of_all = [verdict for verdict in verdicts if verdict.segment is None]
    found = [
        verdict
        for (metric, _), verdict in _one_each((_subject(one), one) for one in of_all).items()
        if metric in METRICS and verdict.state is VerdictState.BREACH
    ]
    found.sort(key=lambda verdict: -abs(verdict.effect or 0.0))
    return [_subject(verdict) for verdict in found]


def _verdicts(
    run: Run, days: Sequence[date], keys: Sequence[MetricColumn]
) -> dict[tuple[date, str, str | None], Verdict]:
    """Return the verdict on each value of the evaluated days."""
    evaluated = {state.partition.day for state in shown_states(run, days[0], days[-1]) if state.evaluated}
    found = run.ask_days(run.store.subject_verdicts, days[0], days[-1], tuple(keys))
    return _one_each(((day, *_subject(one)), one) for day, one in found if day in evaluated)


def _one_each(verdicts: Iterable[tuple[_Key, Verdict]]) -> dict[_Key, Verdict]:
    """Return one verdict for each key; of several, that of the history, which has a band."""
    found: dict[_Key, Verdict] = {}
    for key, verdict in verdicts:
        if key not in found or verdict.history is not None:
            found[key] = verdict
    return found


def _subject(verdict: Verdict) -> MetricColumn:
    return verdict.metric, verdict.column


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
