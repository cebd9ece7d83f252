"""Test of a number of a day against the same number of earlier days.

Each kind of number has a scale for the comparison of days, its sampling variance there, and its effect size:

    count      y = ln n             s^2 = 1 / n (Poisson)           effect = ln ratio
    share      y = 2 asin sqrt p    s^2 = 1 / n                     effect = Cohen's h, a difference of y
    mean       y = mean / sd        s^2 = 1 / n                     effect = Cohen's d, a difference of y
    area       y = 2 asin sqrt a    s^2 = c / n, c unknown          effect = h
    loss       y = ln loss          s^2 = c / n, c unknown          effect = ln ratio
    skill      y = -ln (1 - r)      s^2 = c / n, c unknown          effect = ln ratio of the unexplained part
    duration   y = ln (10 h + t)    s^2 = 0.05^2, at the least      effect = ln ratio of 10 h + t
    number     y = value / sd       s^2 = c / n, c unknown          effect in sd, that of the days before

An unknown c is estimated from the days, and no day is assumed to vary less. A duration is one number of a day and no
sample of rows: all days have the same weight, their variance is estimated too, and its minimum is half an hour. An
effect of 0.1 is one hour for files that arrive on time, and 10 % of a long delay.

The distance from the expected value follows Student's t, by `dispersion.Expectation`. Shares are often small counts:
their exact tail, as a normal score, is divided by the standard deviation between days. Durations are skewed, and the
tail of Student's t is too light for them: they follow the law of exponential waiting times, and only the late side is
bad.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy import special

from airflow_mlmon.spec.metric import UNSAMPLED, Measure, Worse
from airflow_mlmon.statistics.dispersion import Expectation, PastNumbers, estimate_each
from airflow_mlmon.statistics.hypergeometric import log_lower_tail, log_upper_tail

# standard deviation of what never varied, as a share of the scale
_LEAST_DEVIATION = 1e-6
_MAX_P = 1.0
# degrees of freedom from which on counts can be shown to be steadier than random ones
_FEWEST_FOR_STEADINESS = 4
# of the rate, where both the history and the baseline are asked
_OF_HISTORY = 0.8
# days, below which a history is short
_SHORT = 7
# hours added to a duration, so that minutes have no effect
_HOURS = 10.0
# on the scale of durations: half an hour if all files are on time
_STEADIEST = 0.05
# on the scale of durations: a century, because the limit of few days may exceed any number
_AGES = 13.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Number of a day, with the rows that it is based on."""

    value: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Number of a day with its history.

    Attributes:
        measure: Its kind of number.
        worse: The bad side.
        day: The evaluated day.
        now: Its number.
        past: The days before with their numbers.
        base: The number of the baseline; None if it has none.
        scale: Standard deviation, for a mean that of single values, for a number that of the days.
        season: Whether weekdays are told apart; see `dispersion.estimate_expected`.
        outliers: Earlier days of resolved breaches.
        is_projected: Whether a count is that of a sample, divided by its fraction: it varies as much as the sample's.
        averaged: Number of days that the number is the mean of. Days resemble those before, so that two of them are
            taken to say as much as one that is independent.
        is_closed: Whether nothing is to come that the baseline does not have, as is the case of a closed vocabulary.
    """

    measure: Measure
    worse: Worse
    day: date
    now: Point
    past: Sequence[tuple[date, Point]]
    base: Point | None = None
    scale: float = 1.0
    season: str = "auto"
    outliers: Collection[date] = frozenset()
    is_projected: bool = False
    averaged: int = 1
    is_closed: bool = False

    def expected(self) -> Expectation | None:
        """Estimate the expected value from the days before; None for too few."""
        return estimate_each([self.numbers()])[0]

    def numbers(self) -> PastNumbers:
        """Return the numbers of the days before on the scale, from which the expected value is estimated."""
        on_scale, scale, sampling = _ON_SCALE[self.measure], self.scale, self._sampling
        return PastNumbers(
            days=[day for day, _ in self.past],
            values=np.array([on_scale(point.value, scale) for _, point in self.past]),
            sampling=np.array([sampling(point) for _, point in self.past]),
            day=self.day,
            season=self.season,
            outliers=self.outliers,
            has_trend=self.measure is Measure.COUNT,
        )

    def on_scale(self, value: float) -> float:
        """Transform a value to the scale of its measure."""
        return _ON_SCALE[self.measure](value, self.scale)

    def off_scale(self, y: float) -> float:
        """Transform a value back from the scale."""
        match self.measure:
            case Measure.COUNT | Measure.LOSS:
                return math.exp(y)
            case Measure.SHARE | Measure.AREA:
                return math.sin(min(max(y, 0.0), math.pi) / 2) ** 2
            case Measure.MEAN | Measure.NUMBER:
                return y * self.scale
            case Measure.SKILL:
                return 1 - math.exp(-y)
            case Measure.DURATION:
                return max(math.exp(min(y, _AGES)) - _HOURS, 0.0)

    def sampling(self, point: Point) -> float:
        """Return the sampling variance on the scale."""
        return self._sampling(point)

    @property
    def _sampling(self) -> Callable[[Point], float]:
        if self.measure is Measure.COUNT:
            return _of_projected if self.is_projected else _of_counted
        return _of_duration if self.measure is Measure.DURATION else _of_rows

    def variance(self, expected: Expectation) -> float:
        """Return the variance of the distance from the expected value, on the scale."""
        own = self.sampling(self.now)
        days = max(self.averaged / 2, 1.0)
        if self.measure in UNSAMPLED:
            ratio = max(expected.ratio, _LEAST_DEVIATION**2)
            return ratio * (max(own, expected.sampling) / days + expected.sampling / expected.of_centre)
        of_centre = (expected.sampling + expected.between) / expected.of_centre
        steadier = _steadiness(expected) if self.measure is Measure.COUNT else 1.0
        return steadier * ((own + expected.between) / days + of_centre)

    @property
    def is_sampled(self) -> bool:
        """Return True if the sampling error is known without a history."""
        return self.measure in {Measure.SHARE, Measure.MEAN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Result of a test.

    Attributes:
        p_value: P-value on the bad sides, before correction.
        effect: Signed effect size.
        expected: Expected value in the units of the metric; None if it is not one number.
        days: Length of the history in days; 0 for sampling error alone.
        words: Description of the change.
    """

    p_value: float
    effect: float
    expected: float | None
    days: int
    words: str = ""


def _log_of_count(value: float, _: float) -> float:
    return math.log(max(value, 0.5))


def _angle(value: float, _: float) -> float:
    # most of thousands a day lie within
    return 2 * math.asin(math.sqrt(value if 0.0 <= value <= 1.0 else min(max(value, 0.0), 1.0)))


def _in_deviations(value: float, scale: float) -> float:
    return value / scale


def _log_of_loss(value: float, _: float) -> float:
    return math.log(max(value, _LEAST_DEVIATION))


def _log_of_rest(value: float, _: float) -> float:
    return -math.log(max(1 - value, _LEAST_DEVIATION))


def _log_of_hours(value: float, _: float) -> float:
    return math.log(_HOURS + max(value, 0.0))


def _of_projected(point: Point) -> float:
    return 1 / max(point.rows, 0.5)


def _of_counted(point: Point) -> float:
    return 1 / max(point.value, 0.5)


def _of_duration(_: Point) -> float:
    return _STEADIEST**2


def _of_rows(point: Point) -> float:
    return 1 / point.rows if point.rows > 1 else 1.0


# by measure, because each value of each past day of each number passes here
_ON_SCALE: Mapping[Measure, Callable[[float, float], float]] = {
    Measure.COUNT: _log_of_count,
    Measure.SHARE: _angle,
    Measure.AREA: _angle,
    Measure.MEAN: _in_deviations,
    Measure.NUMBER: _in_deviations,
    Measure.LOSS: _log_of_loss,
    Measure.SKILL: _log_of_rest,
    Measure.DURATION: _log_of_hours,
}


def _steadiness(expected: Expectation) -> float:
    """Return by how much counts vary less than Poisson's law has it: at most 1, by the bound of one chance in 1,000.

    A feed of one row a station and hour has the same number each day.
    """
    if expected.freedom < _FEWEST_FOR_STEADINESS:
        return 1.0
    bound = float(special.chdtri(expected.freedom, 0.999))
    return min(max(expected.ratio * expected.freedom / bound, _LEAST_DEVIATION), 1.0)


def deviation_of(values: Sequence[float]) -> float:
    """Compute the standard deviation of numbers; where they do not vary, the size of the largest, or 1 if all are 0.

    >>> [round(deviation_of(values), 3) for values in ([1.0, 3.0], [4.0, 4.0], [0.0])]
    [1.414, 4.0, 1.0]
    """
    largest = max(map(abs, values), default=0.0) or 1.0
    # of numbers in units of the largest, whose squares no double is too small for
    deviation = float(np.std(np.array(values) / largest, ddof=1)) if len(values) > 1 else 0.0
    return (deviation if deviation > _LEAST_DEVIATION else 1.0) * largest


def evaluate_series(series: Series, expected: Expectation | None) -> Finding | None:
    """Test a number against its history, or its baseline; None if its variance is unknown.

    A short history says little of the variance between days. There the baseline is asked too, by sampling error, if the
    number is further from it than any past day by far; the more significant answer counts, as two tests of which the
    history has most of the rate.
    """
    if expected is None:
        return _compare(series, _of_base(series), days=0) if series.base and series.is_sampled else None
    if _rests_on_base(series):
        return _compare(series, _of_base(series), days=0)
    found = _compare(series, expected, days=expected.days)
    if series.base is None or not series.is_sampled:
        return found
    centre = series.on_scale(series.base.value)
    past = [series.on_scale(point.value) - centre for day, point in series.past if day not in series.outliers]
    if not exceeds_past(series.on_scale(series.now.value) - centre, past, expected.days):
        return found
    by_base = _compare(series, _of_base(series), days=0)
    answers = ((found, _OF_HISTORY), (by_base, 1 - _OF_HISTORY))
    corrected = [replace(one, p_value=min(one.p_value / weight, _MAX_P)) for one, weight in answers]
    return min(corrected, key=lambda one: one.p_value)


def _rests_on_base(series: Series) -> bool:
    """Return True if a closed baseline of more rows than the past days stands for them: they had nothing new either."""
    if not series.is_closed or series.base is None:
        return False
    past = [point for day, point in series.past if day not in series.outliers]
    return series.base.rows > sum(point.rows for point in past) and not any(point.value for point in past)


def exceeds_past(distance: float, past: Sequence[float], days: int) -> bool:
    """Return True if the history is short and no past distance from the baseline is half as large."""
    return days < _SHORT and abs(distance) > 2 * max(map(abs, past), default=0.0)


def _compare(series: Series, known: Expectation, days: int) -> Finding:
    """Compare with an expected value, from a number of days or, of 0, from the baseline."""
    y = series.on_scale(series.now.value)
    variance = series.variance(known)
    if series.measure is Measure.SHARE:
        p_value = _share_p(series, known, not days, variance)
    else:
        p_value = _tail(series, (y - known.centre) / math.sqrt(variance), known.freedom)
    return Finding(
        p_value=p_value,
        effect=y - known.centre,
        expected=series.off_scale(known.centre),
        days=days,
    )


def tail(z: float, freedom: float, worse: Worse) -> float:
    """Return the tail probability of Student's t on the bad sides."""
    if worse is Worse.BOTH:
        return min(2 * float(special.stdtr(freedom, -abs(z))), _MAX_P)
    return float(special.stdtr(freedom, z if worse is Worse.BELOW else -z))


def _tail(series: Series, z: float, freedom: float) -> float:
    """Return the tail probability of z standard deviations on the bad sides.

    An exponential time is z deviations above its mean if it is z + 1 times the mean, which is estimated from as many
    times as there are degrees of freedom: (1 + (z + 1) / f)^-f, the law of Lomax (1954).
    """
    if series.measure is Measure.DURATION:
        return float((1 + max(z + 1, 0.0) / freedom) ** -freedom)
    return tail(z, freedom, series.worse)


def _of_base(series: Series) -> Expectation:
    """Estimate from the baseline alone: its sampling error, without variance between days."""
    base = series.base
    assert base is not None  # noqa: S101 - checked by the caller
    return Expectation(
        centre=series.on_scale(base.value),
        days=0,
        of_centre=1,
        ratio=1.0,
        freedom=math.inf,
        sampling=series.sampling(base),
    )


def _share_p(series: Series, expected: Expectation, is_base: bool, variance: float) -> float:  # noqa: FBT001 - two cases
    here, rows = _count(series.now)
    others = [series.base] if is_base and series.base else _of_weekday(series, expected)
    there = sum(_count(point)[0] for point in others)
    total = sum(point.rows for point in others)
    sampling = 1 / max(rows, 1) + 1 / max(total, 1)
    widening = math.sqrt(max(variance / sampling, 1.0))
    sides = []
    if series.worse is not Worse.BELOW:
        sides.append(log_upper_tail(here, rows, there, total))
    if series.worse is not Worse.ABOVE:
        sides.append(log_lower_tail(here, rows, there, total))
    # the normal score of each exact tail
    scores = [-float(special.ndtri_exp(log_p)) if log_p < 0 else -math.inf for log_p in sides]
    return min(len(sides) * float(special.stdtr(expected.freedom, -max(scores) / widening)), _MAX_P)


def _of_weekday(series: Series, expected: Expectation) -> list[Point]:
    past = [(day, point) for day, point in series.past if day not in series.outliers]
    if expected.of_centre == expected.days:
        return [point for _, point in past]
    return [point for day, point in past if day.weekday() == series.day.weekday()]


def _count(point: Point) -> tuple[int, int]:
    return round(point.value * point.rows), point.rows
