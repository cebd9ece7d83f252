"""Evaluation of all metrics of a day together, with multiplicity correction.

All metrics and columns of the day are one family of tests, corrected together. Segments are tested only if their
column or their share of the rows is in breach, as a family of their own: so they cost the family of the whole no power,
and on a day without changes hardly any is tested. A value is in breach if its p-value meets the corrected level and
its effect size the minimum.

Slow changes would move the trailing window with them. Outputs and performance of the model are therefore also compared
with an initial window, by the means of a week and of four weeks, and the most significant comparison counts, as so many
tests. Days of few rows are evaluated together with the days before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.family import Test, evaluate_family, insufficient
from airflow_mlmon.evaluation.hours import RowHours
from airflow_mlmon.evaluation.series import Point, Series, deviation_of
from airflow_mlmon.evaluation.windows import WINDOWS, average_window, pool_days
from airflow_mlmon.profiles.keys import divides
from airflow_mlmon.records import MetricValue, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.spec.metrics import DRIFT, NEW_CATEGORY_RATE, ROWS, ROWS_BY_HOUR, UNSAMPLED_ROWS
from airflow_mlmon.statistics.intervals import standard_error
from airflow_mlmon.tasks.registry import METRICS

# a sum of fractions is no whole number
_EXACT = 1e-9
# the tails of shares are exact, however few the rows
_OF_ANY_ROWS = frozenset({Measure.COUNT, Measure.DURATION, Measure.SHARE})


def _no_parts(_: str) -> Sequence[tuple[str, ColumnHistory]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionEvidence:
    """Evidence of a day and of the days before.

    Attributes:
        day: The day.
        metrics: What was measured of it.
        past: The same of the days before, without those of an incident that goes on.
        first: The same of the first days, which are none of the past; of what is to stay as it was.
        recent: The same of the last days, also of those in breach.
        outliers: The days before on which each was in breach, and which are over.
        columns: The drift of each column.
        base: The same of the baseline.
        scales: Standard deviation of single values, of the metrics that are means.
        versions: Segments of model versions whose own outputs and performance are evaluated too.
        parts: The drift of a column in each segment, by what the segment is called.
        hours: The rows by hour; None without event times.
        closed: Categories in which no new value is to come; their new-category rates are a family of their own.
        texts: Columns whose drift score is evaluated as a number: profiles hold too little of texts.
    """

    day: date
    metrics: Sequence[MetricValue]
    past: Mapping[SubjectKey, Sequence[tuple[date, Point]]]
    first: Mapping[SubjectKey, Sequence[tuple[date, Point]]] = field(default_factory=dict)
    recent: Mapping[SubjectKey, Sequence[tuple[date, Point]]] = field(default_factory=dict)
    outliers: Mapping[SubjectKey, Collection[date]] = field(default_factory=dict)
    columns: Mapping[str, ColumnHistory] = field(default_factory=dict)
    base: Mapping[SubjectKey, Point] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    versions: frozenset[str] = frozenset()
    parts: Callable[[str], Iterable[tuple[str, ColumnHistory]]] = _no_parts
    hours: RowHours | None = None
    closed: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @property
    def days(self) -> frozenset[date]:
        """Return the earlier days of the history."""
        pasts = (*self.past.values(), *self.first.values(), *(column.past for column in self.columns.values()))
        return frozenset(day for past in pasts for day, _ in past)


def evaluate_day(evidence: PartitionEvidence, policy: EvaluationPolicy) -> list[Verdict]:
    """Evaluate the metrics of a day, in their order, and then its segments.

    Args:
        evidence: the day and the days before.
        policy: the evaluation policy.
    """
    left_out = (_left_out_count(evidence), None, None)
    whole = [value for value in evidence.metrics if value.key != left_out and _is_evaluated(evidence, value)]
    verdicts = _evaluate(evidence, whole, policy)
    drifted = [v.column for v in verdicts if v.metric == DRIFT and v.state is VerdictState.BREACH and v.column]
    if drifted:
        of_segments = [value for value in evidence.metrics if value.segment]
        for column in drifted:
            verdicts += _evaluate_parts(evidence, column, of_segments, policy)
    return verdicts


def _is_evaluated(evidence: PartitionEvidence, value: MetricValue) -> bool:
    known = METRICS.get(value.metric)
    if known is None or (value.segment and not (known.of_model and value.segment in evidence.versions)):
        return False
    if value.metric == DRIFT:
        return True
    # the null rate of all columns together follows from those of the columns
    return known.measure is not None and (value.column is not None or not known.by_column)


def _left_out_count(evidence: PartitionEvidence) -> str:
    """Return which number of rows is not evaluated: those before sampling, unless only a fraction was ever logged."""
    key = (UNSAMPLED_ROWS, None, None)
    points = [point for _, point in evidence.past.get(key, ())]
    points += [Point(value=now.value or 0.0, rows=now.rows) for now in evidence.metrics if now.key == key]
    return ROWS if any(_is_sampled(point) for point in points) else UNSAMPLED_ROWS


def _is_sampled(point: Point) -> bool:
    return point.value > point.rows * (1 + _EXACT)


def _evaluate_parts(
    evidence: PartitionEvidence, column: str, of_segments: Sequence[MetricValue], policy: EvaluationPolicy
) -> list[Verdict]:
    """Evaluate the segments of drifted columns, and the row counts of the segments that they define."""
    histories = dict(evidence.parts(column))
    scores = {v.segment: v for v in of_segments if v.metric == DRIFT and v.column == column}
    tests = [
        Test(metric=scores.get(segment) or _unscored(column, segment, history), column=history)
        for segment, history in histories.items()
    ]
    tests += [
        Test(metric=value, series=_share_of_rows(evidence, value))
        for value in of_segments
        if value.metric == ROWS and value.segment is not None and divides(column, value.segment)
    ]
    return evaluate_family(tests, policy)


def _unscored(column: str, segment: str, history: ColumnHistory) -> MetricValue:
    return MetricValue(metric=DRIFT, column=column, segment=segment, value=None, rows=history.now.rows)


def _evaluate(evidence: PartitionEvidence, values: Sequence[MetricValue], policy: EvaluationPolicy) -> list[Verdict]:
    lacking: dict[SubjectKey, Verdict] = {}
    tests = []
    for single in values:
        value, pooled = _pooled(evidence, single, policy)
        lack = _lack(evidence, value, policy)
        if lack:
            lacking[value.key] = insufficient(value, lack)
        elif value.metric == DRIFT and value.column not in evidence.texts:
            tests.append(Test(metric=value, column=evidence.columns[str(value.column)]))
        elif value.metric == ROWS_BY_HOUR and evidence.hours:
            tests.append(Test(metric=value, hours=evidence.hours))
        else:
            series = _series(evidence, value, policy, pooled)
            first = _at_first(evidence, series, value.key)
            tests.append(Test(metric=value, series=series, first=first))
    found = {verdict.key: verdict for verdict in evaluate_family(tests, policy)}
    found |= lacking
    return [found[value.key] for value in values]


def _pooled(
    evidence: PartitionEvidence, value: MetricValue, policy: EvaluationPolicy
) -> tuple[MetricValue, frozenset[date]]:
    """Return the mean of a metric over the days that it needs for enough rows, and the days before that it holds."""
    if value.metric == DRIFT or METRICS[value.metric].measure in _OF_ANY_ROWS:
        return value, frozenset()
    return pool_days(value, evidence.recent.get(value.key, ()), evidence.day, policy.minimum_rows)


def _lack(evidence: PartitionEvidence, value: MetricValue, policy: EvaluationPolicy) -> str:
    """Return the reason why a value cannot be evaluated; empty if it can."""
    if value.withheld:
        return value.withheld
    if value.metric == DRIFT and value.column not in evidence.texts:
        history = evidence.columns.get(str(value.column))
        if history is None:
            note = value.drift.note if value.drift else ""
            return note or "no value on this day or in the baseline"
        return _few(min(history.now.rows, history.now.base_rows), policy)
    if value.value is None:
        return value.reason or "no value"
    if not math.isfinite(value.value):
        return "the value is not finite"
    return "" if METRICS[value.metric].measure in _OF_ANY_ROWS else _few(value.rows, policy)


def _few(rows: int, policy: EvaluationPolicy) -> str:
    return f"{rows} values, fewer than {policy.minimum_rows}" if rows < policy.minimum_rows else ""


def _series(
    evidence: PartitionEvidence, value: MetricValue, policy: EvaluationPolicy, pooled: Collection[date] = ()
) -> Series:
    metric = METRICS[value.metric]
    # the drift score of a text is a ROC AUC
    measure, worse = (Measure.AREA, Worse.ABOVE) if value.metric == DRIFT else (metric.measure, metric.worse)
    assert measure is not None  # noqa: S101 - metrics without a measure are not evaluated
    key = value.key
    series = Series(
        measure=measure,
        worse=worse,
        day=evidence.day,
        now=Point(value=float(value.value or 0.0), rows=value.rows),
        past=[
            (day, point)
            for day, point in evidence.past.get(key, ())
            if math.isfinite(point.value) and day not in pooled
        ],
        base=evidence.base.get(key),
        scale=evidence.scales.get(value.metric) or _deviation(value),
        season=policy.season,
        outliers=evidence.outliers.get(key, ()),
        is_projected=value.metric == UNSAMPLED_ROWS,
        is_closed=value.metric == NEW_CATEGORY_RATE and value.column in evidence.closed,
    )
    return _scaled(series)


def _scaled(series: Series) -> Series:
    """Return the series of a number in units of the standard deviation of its days; of anything else, as it is."""
    if series.measure is not Measure.NUMBER:
        return series
    return replace(
        series, scale=deviation_of([point.value for day, point in series.past if day not in series.outliers])
    )


def _deviation(value: MetricValue) -> float:
    """Return the standard deviation of single values that the interval of a mean implies; 1 where it has none."""
    if value.low is None or value.high is None or value.high <= value.low:
        return 1.0
    return standard_error(value.low, value.high) * math.sqrt(value.rows)


def _at_first(evidence: PartitionEvidence, series: Series, key: SubjectKey) -> list[Series]:
    """Return the means of the last week and weeks with the initial window as their past; none without one.

    A mean of weeks stays beyond its limit for as long as the change lasts, where single days open and close an alert.
    """
    points = [(day, point) for day, point in evidence.first.get(key, ()) if math.isfinite(point.value)]
    if not points:
        return []
    initial = _scaled(replace(series, past=points, base=None))
    recent, outliers = evidence.recent.get(key, ()), evidence.outliers.get(key, ())
    windows = [average_window(initial, recent, days, outliers) for days in WINDOWS]
    return [window for window in windows if window is not None] or [initial]


def _share_of_rows(evidence: PartitionEvidence, value: MetricValue) -> Series:
    """Convert the rows of a segment to a share of all rows, so that a change of all rows is none of a segment."""
    # the answered ones, on which the number of rows rests: a segment counts no request that failed
    totals = dict(evidence.past.get((ROWS, None, None), ()))
    now = next(metric.rows for metric in evidence.metrics if metric.key == (ROWS, None, None))
    return Series(
        measure=Measure.SHARE,
        worse=METRICS[DRIFT].worse,
        day=evidence.day,
        now=Point(value=value.rows / now, rows=now),
        past=[
            (day, Point(value=point.value / totals[day].rows, rows=totals[day].rows))
            for day, point in evidence.past.get(value.key, ())
            if day in totals and totals[day].rows
        ],
    )
