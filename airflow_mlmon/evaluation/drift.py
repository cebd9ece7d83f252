"""How surprising the drift of a column is: the place of its values, and their distribution.

The place is a mean of ranks, so it is judged as any mean. The distribution is judged twice, and the less surprising
of both counts: against sampling, by Pearson's chi-square law, and against the nights before, by how far their own
statistics lay from what chance explains. For that the statistic per degree of freedom, q, is divided by what it
should be, 1 + n t^2, with t^2 the mean of (q_i - 1) / n_i of the past; the rest is compared as Student's t, as
ln(rest + 1 / (f + 1)). With few degrees of freedom f the plain logarithm has a long tail to the left, in which a
category of two values could change altogether and be as usual; of one, adding a half makes it even.

The effect of a place is Cohen's d = sqrt(2) * normal quantile of the chance to be larger; that of a distribution is
Cohen's w = sqrt((chi^2 - f) / n) beyond what is usual, n being the effective rows of both sides.

Both are of the norms of a vector, which a rotation keeps. So the shift of its mean is a third test: against sampling,
by Student's law under Bonferroni's correction for the dimensions, and against the shifts of past days. Its effect is
Cohen's d in the dimension that moved furthest, beyond what is expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy import special

from airflow_mlmon.drift.shift import MeanShift
from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.series import Finding, Point, Series, judge_series, tail
from airflow_mlmon.spec.metrics import Measure, Worse
from airflow_mlmon.statistics.dispersion import FEWEST_NIGHTS, Usual, estimate_expected

_HALF = 0.5
_CLOSEST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnHistory:
    """The evidence of a column on a night and on the nights before."""

    day: date
    now: ColumnEvidence
    past: Sequence[tuple[date, ColumnEvidence]]
    season: str = "auto"
    outliers: Collection[date] = frozenset()

    def place(self) -> Series | None:
        """Where its values lie; None of a category, and of a column with one value."""
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
        """How far the mean of a vector has moved; None of anything else."""
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
        """The squared distance from the baseline that nights have beyond sampling, per degree of freedom."""
        found = [_excess(evidence) for day, evidence in self.past if evidence.freedom and day not in self.outliers]
        return max(float(np.mean(found)), 0.0) if len(found) >= FEWEST_NIGHTS else 0.0

    def distribution(self) -> Usual | None:
        """What is usual of ln(q / expected); None of too few nights."""
        held = [(day, evidence) for day, evidence in self.past if evidence.freedom]
        between = self.between()
        values = np.array([_log_ratio(evidence, between) for _, evidence in held])
        # the scale is that of one sampling variance, so the ratio of observed to expected is the variance itself
        return estimate_expected(
            [day for day, _ in held],
            values,
            np.ones(len(held)),
            day=self.day,
            season=self.season,
            outliers=self.outliers,
        )


def judge_column(
    history: ColumnHistory, place: Usual | None, distribution: Usual | None, floor: Callable[[int], float]
) -> Finding:
    """How surprising the drift of a column is: the most surprising of what is tested of it, counted as so many tests.

    What has no effect that matters, which `floor` gives by the nights that a finding rests on, comes second.
    """
    found = [_of_distribution(history, distribution)]
    series = history.place()
    if series is not None:
        found.append(_of_place(judge_series(series, place), series.scale))
    if history.now.shift is not None:
        found.append(_of_shift(history.shift(), history.now.shift))
    best = min(found, key=lambda finding: (abs(finding.effect) < floor(finding.nights), finding.p_value))
    return replace(best, p_value=min(len(found) * best.p_value, 1.0))


def _of_place(finding: Finding | None, scale: float) -> Finding:
    assert finding is not None  # noqa: S101 - a place has a baseline
    chance = min(max(_HALF + finding.effect * scale, _CLOSEST), 1 - _CLOSEST)
    effect = math.sqrt(2) * float(special.ndtri(chance))
    direction = "higher" if effect > 0 else "lower"
    return replace(finding, effect=effect, usual=None, words=f"values {direction} than expected")


def _of_shift(series: Series | None, shift: MeanShift) -> Finding:
    assert series is not None  # noqa: S101 - the caller has a shift
    found = judge_series(series, series.usual())
    return Finding(
        p_value=max(shift.p_value, found.p_value if found else 0.0),
        effect=shift.value - (found.usual or 0.0 if found else 0.0),
        usual=None,
        nights=found.nights if found else 0,
        words=f"its mean has moved: {shift.text}",
    )


def _of_distribution(history: ColumnHistory, usual: Usual | None) -> Finding:
    now = history.now
    by_sampling = float(special.chdtrc(now.freedom, now.statistic)) if now.freedom else 1.0
    if usual is None:
        by_nights, nights, between = 0.0, 0, 0.0
    else:
        between = history.between()
        # a variance of its own: what `Usual` takes for sampling is part of it
        variance = usual.ratio * (1 + 1 / usual.of_centre)
        distance = _log_ratio(now, between) - usual.centre
        by_nights = tail(distance / math.sqrt(variance), usual.freedom, Worse.ABOVE) if variance > 0 else 0.0
        nights = usual.nights
    excess = max(_excess(now) - between, 0.0) * now.freedom
    return Finding(
        p_value=max(by_sampling, by_nights),
        effect=math.sqrt(excess),
        usual=None,
        nights=nights,
        words="distribution changed",
    )


def _excess(evidence: ColumnEvidence) -> float:
    return (evidence.statistic / evidence.freedom - 1) / evidence.effective_rows if evidence.freedom else 0.0


def _log_ratio(evidence: ColumnEvidence, between: float) -> float:
    q = evidence.statistic / evidence.freedom if evidence.freedom else 1.0
    return math.log(q / (1 + evidence.effective_rows * between) + 1 / (evidence.freedom + 1))
