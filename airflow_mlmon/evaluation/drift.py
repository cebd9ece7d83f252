"""Tests of the drift of a column: of its values' location, distribution, shape and, for a vector, mean.

The location is a mean of ranks and is evaluated like any mean. The distribution is tested twice, and the larger
p-value counts: against sampling error by Pearson's chi-square test, and against the history, by the excess of past
statistics over sampling error. For that the statistic per degree of freedom, q, is divided by its expected value,
1 + n t^2, with t^2 the mean of (q_i - 1) / n_i of past days; the ratio is compared by Student's t on the scale
ln(ratio + 1 / (f + 1)). With few degrees of freedom f a plain logarithm has a long left tail, in which a complete
change of a binary category would not be significant; for f = 1 the added half makes it symmetric.

The effect size of the location is Cohen's d = sqrt(2) * normal quantile of the probability to be larger; that of the
distribution is Cohen's w = sqrt((chi^2 - f) / n) beyond its expected value, with n the effective rows of both sides.

The shape is tested in `shape_tests`. All are corrected for their number by Bonferroni, and the most significant is the
finding.

Ranks of the norms of a vector do not change when it is rotated. So the shift of its mean is another test:
against sampling error by Student's t with Bonferroni's correction for the dimensions, and against the shifts of past
days. Its effect size is Cohen's d in the dimension that has moved furthest, beyond its expected value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from scipy import special

from airflow_mlmon.drift.shift import MeanShift
from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.hourly import ColumnHours, hourly_finding
from airflow_mlmon.evaluation.series import Finding, Point, Series, evaluate_series, exceeds_past, tail
from airflow_mlmon.evaluation.shape_tests import evaluate_ends, in_words, shape_series, with_sampling
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.statistics.dispersion import FEWEST_DAYS, Expectation, PastNumbers, estimate_each

_HALF = 0.5
_CLOSEST = 1e-9
# p-value by sampling error of a distribution that a short history is not asked about
_FAR = 1e-3
_PLACE = "place"
# p-value from which on a column shows no sign of anything; no level is as high
_ORDINARY = 0.5


@dataclass(frozen=True, kw_only=True)
class ColumnHistory:
    """Evidence of a column on a day and on the days before."""

    day: date
    now: ColumnEvidence
    past: Sequence[tuple[date, ColumnEvidence]]
    season: str = "auto"
    outliers: Collection[date] = frozenset()
    hours: ColumnHours | None = None

    @cached_property
    def series(self) -> Mapping[str, Series]:
        """Return the numbers that are tested, each with its past."""
        place = self._place()
        found = {} if place is None else {_PLACE: place}
        return found | shape_series(self.day, self.now, self.past, season=self.season, outliers=self.outliers)

    def _place(self) -> Series | None:
        """Return the location of its values as a series; None for a category and for a constant column."""
        if self.now.place is None or self.now.scale <= 0:
            return None
        points = [
            (day, Point(value=evidence.place, rows=evidence.rows))
            for day, evidence in self.past
            if evidence.place is not None
        ]
        return Series(
            measure=Measure.MEAN,
            worse=Worse.BOTH,
            day=self.day,
            now=Point(value=self.now.place, rows=self.now.rows),
            past=points,
            base=Point(value=_HALF, rows=self.now.base_rows),
            scale=self.now.scale,
            season=self.season,
            outliers=self.outliers,
        )

    def shift(self) -> Series | None:
        """Return the shift of a vector's mean as a series; None for other columns."""
        if self.now.shift is None:
            return None
        return Series(
            measure=Measure.LOSS,
            worse=Worse.ABOVE,
            day=self.day,
            now=Point(value=self.now.shift.value, rows=self.now.rows),
            past=[
                (day, Point(value=evidence.shift.value, rows=evidence.rows))
                for day, evidence in self.past
                if evidence.shift is not None
            ],
            season=self.season,
            outliers=self.outliers,
        )

    def between(self) -> float:
        """Return the variance between days beyond sampling error, as squared distance per degree of freedom."""
        found = [_excess(evidence) for day, evidence in self.past if evidence.freedom and day not in self.outliers]
        return max(float(np.mean(found)), 0.0) if len(found) >= FEWEST_DAYS else 0.0

    def distribution(self) -> Expectation | None:
        """Return the expected ln(q / expected value); None for too few days."""
        return estimate_each([self.log_ratios()])[0]

    def log_ratios(self) -> PastNumbers:
        """Return ln(q / expected value) of the days before, from which that of the day is expected."""
        held = [(day, evidence) for day, evidence in self.past if evidence.freedom]
        between = self.between()
        # the scale has unit sampling variance, so the ratio of observed to expected is the variance itself
        return PastNumbers(
            days=[day for day, _ in held],
            values=np.array([_log_ratio(evidence, between) for _, evidence in held]),
            sampling=np.ones(len(held)),
            day=self.day,
            season=self.season,
            outliers=self.outliers,
        )


def evaluate_column(
    history: ColumnHistory,
    expected: Mapping[str, Expectation],
    distribution: Expectation | None,
    floor: Callable[[int], float],
) -> Finding:
    """Return the most significant test of a column's drift, Bonferroni-corrected for the number of its tests.

    A test whose effect size is below the floor comes second.

    Args:
        history: the evidence of the column.
        expected: the expected value of each of its series that has enough days.
        distribution: that of its distribution.
        floor: the smallest effect size that counts, by the length of the history.
    """
    ordinary, others = [_of_distribution(history, distribution)], []
    for kind, series in history.series.items():
        finding = with_sampling(kind, history.now, evaluate_series(series, expected.get(kind)))
        if finding is not None and kind == _PLACE:
            ordinary.append(_of_place(finding, series.scale))
        elif finding is not None:
            others.append(in_words(kind, history.now, finding))
    others += evaluate_ends(history.now, history.past, history.outliers)
    if history.hours and (of_hour := hourly_finding(history.hours)):
        others.append(of_hour)
    if history.now.shift is not None:
        others.append(_of_shift(history.shift(), history.now.shift))
    found = [*ordinary, *others]
    best = _best(found, floor)
    if len(found) * best.p_value >= _ORDINARY:
        # without a sign of anything, the effect size shown is that of the values' location or distribution
        best = _best(ordinary, floor)
    return replace(best, p_value=min(len(found) * best.p_value, 1.0))


def _best(found: Sequence[Finding], floor: Callable[[int], float]) -> Finding:
    return min(found, key=lambda finding: (abs(finding.effect) < floor(finding.days), finding.p_value))


def _of_place(finding: Finding, scale: float) -> Finding:
    chance = min(max(_HALF + finding.effect * scale, _CLOSEST), 1 - _CLOSEST)
    effect = math.sqrt(2) * float(special.ndtri(chance))
    direction = "higher" if effect > 0 else "lower"
    return replace(finding, effect=effect, expected=None, words=f"values {direction} than expected")


def _of_shift(series: Series | None, shift: MeanShift) -> Finding:
    assert series is not None  # noqa: S101 - checked by the caller
    found = evaluate_series(series, series.expected())
    return Finding(
        p_value=max(shift.p_value, found.p_value if found else 0.0),
        effect=shift.value - (found.expected or 0.0 if found else 0.0),
        expected=None,
        days=found.days if found else 0,
        words=shift.text,
    )


def _of_distribution(history: ColumnHistory, expected: Expectation | None) -> Finding:
    now = history.now
    by_sampling = float(special.chdtrc(now.freedom, now.statistic)) if now.freedom else 1.0
    if expected is None:
        by_days, days, between = 0.0, 0, 0.0
    else:
        between = history.between()
        # has its own variance: the sampling variance of `Expected` is part of it
        variance = expected.ratio * (1 + 1 / expected.of_centre)
        distance = _log_ratio(now, between) - expected.centre
        by_days = tail(distance / math.sqrt(variance), expected.freedom, Worse.ABOVE) if variance > 0 else 0.0
        days = expected.days
        past = [_excess(evidence) for day, evidence in history.past if day not in history.outliers]
        if by_sampling < min(by_days, _FAR) and exceeds_past(_excess(now), past, expected.days):
            by_days, days, between = 0.0, 0, 0.0
    excess = max(_excess(now) - between, 0.0) * now.freedom
    return Finding(
        p_value=max(by_sampling, by_days),
        effect=math.sqrt(excess),
        expected=None,
        days=days,
        words="distribution changed",
    )


def _excess(evidence: ColumnEvidence) -> float:
    return (evidence.statistic / evidence.freedom - 1) / evidence.effective_rows if evidence.freedom else 0.0


def _log_ratio(evidence: ColumnEvidence, between: float) -> float:
    q = evidence.statistic / evidence.freedom if evidence.freedom else 1.0
    return math.log(q / (1 + evidence.effective_rows * between) + 1 / (evidence.freedom + 1))
