"""One number of a night beside the same number of the nights before, and how surprising it is.

Each kind of number has a scale on which nights can be compared, its sampling variance there, and its effect:

    count      y = ln n             s^2 = 1 / n (Poisson)           effect = ln ratio
    share      y = 2 asin sqrt p    s^2 = 1 / n                     effect = Cohen's h, a difference of y
    mean       y = mean / sd        s^2 = 1 / n                     effect = Cohen's d, a difference of y
    area       y = 2 asin sqrt a    s^2 = c / n, c unknown          effect = h
    loss       y = ln loss          s^2 = c / n, c unknown          effect = ln ratio
    duration   y = ln (10 h + t)    s^2 = 0.05^2, at the least      effect = ln ratio of 10 h + t

An unknown c comes from the nights alone, and no night is taken to be steadier than they are. A duration is one
number of a night and no sample of rows: all nights weigh the same, what they vary by comes from them too, and no
history makes them steadier than half an hour. An effect of 0.1 is an hour where files are on time, and 10 % of the
delay where it is long.

A night's distance from the usual has a Student's t law, by `dispersion.Usual`. Shares are small counts more often
than not, so their tail is the exact one, as a normal score, divided by what nights vary beyond it. Durations are
skewed, and Student's tail is too light for them: theirs is that of exponential waiting times, and late alone is bad.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy import special

from airflow_mlmon.spec.metrics import Measure, Worse
from airflow_mlmon.statistics.dispersion import Usual, estimate_expected
from airflow_mlmon.statistics.hypergeometric import log_lower_tail, log_upper_tail

# an area or a loss that never varied is judged as if it varied by this share of the scale
_LEAST_DEVIATION = 1e-6
_MAX_P = 1.0
# hours that a duration is added to, so that minutes are nothing
_HOURS = 10.0
# on the scale of durations, half an hour where all is on time
_STEADIEST = 0.05
# on the scale of durations, a century: few nights put their limit beyond any number
_AGES = 13.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A number of a night: its value, and the rows that it is about."""

    value: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A number and its past.

    Attributes:
        measure: What kind of number it is.
        worse: Which side is bad.
        day: The day that is judged.
        now: Its number.
        past: The days before, with theirs.
        base: The number of the baseline; None where it has none.
        scale: Standard deviation of single values, of a mean.
        season: Whether weekdays are told apart; see `dispersion.estimate_expected`.
        outliers: Days before on which it was in breach, and which are over.
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

    def usual(self) -> Usual | None:
        """What the nights before say; None of too few."""
        values = np.array([self.on_scale(point.value) for _, point in self.past])
        sampling = np.array([self.sampling(point) for _, point in self.past])
        return estimate_expected(
            [day for day, _ in self.past],
            values,
            sampling,
            day=self.day,
            season=self.season,
            outliers=self.outliers,
        )

    def on_scale(self, value: float) -> float:
        """The value on the scale of its measure."""
        match self.measure:
            case Measure.COUNT:
                return math.log(max(value, 0.5))
            case Measure.SHARE | Measure.AREA:
                return 2 * math.asin(math.sqrt(min(max(value, 0.0), 1.0)))
            case Measure.MEAN:
                return value / self.scale
            case Measure.LOSS:
                return math.log(max(value, _LEAST_DEVIATION))
            case Measure.DURATION:
                return math.log(_HOURS + max(value, 0.0))

    def off_scale(self, y: float) -> float:
        """The value that lies there on the scale."""
        match self.measure:
            case Measure.COUNT | Measure.LOSS:
                return math.exp(y)
            case Measure.SHARE | Measure.AREA:
                return math.sin(min(max(y, 0.0), math.pi) / 2) ** 2
            case Measure.MEAN:
                return y * self.scale
            case Measure.DURATION:
                return max(math.exp(min(y, _AGES)) - _HOURS, 0.0)

    def sampling(self, point: Point) -> float:
        """The sampling variance on the scale."""
        if self.measure is Measure.COUNT:
            return 1 / max(point.value, 0.5)
        if self.measure is Measure.DURATION:
            return _STEADIEST**2
        return 1 / max(point.rows, 1)

    def variance(self, usual: Usual) -> float:
        """That of the distance from what is usual, on the scale."""
        own = self.sampling(self.now)
        if self.measure in {Measure.AREA, Measure.LOSS}:
            ratio = max(usual.ratio, _LEAST_DEVIATION**2)
            return ratio * (max(own, usual.sampling) + usual.sampling / usual.of_centre)
        return usual.variance(own)

    @property
    def is_sampled(self) -> bool:
        """Whether sampling error is known without any night before."""
        return self.measure in {Measure.SHARE, Measure.MEAN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How surprising a number is.

    Attributes:
        p_value: How often chance goes as far on a side that is bad, before any correction.
        effect: How far it lies from the usual, with its sign.
        usual: What to expect, in the units of the metric; None where it is not one number.
        nights: How many nights before that rests on; 0 for sampling error alone.
        words: What to say of it beyond the number.
    """

    p_value: float
    effect: float
    usual: float | None
    nights: int
    words: str = ""


def judge_series(series: Series, usual: Usual | None) -> Finding | None:
    """How surprising a number is; None where nothing is known of how it varies."""
    if usual is None and (series.base is None or not series.is_sampled):
        return None
    known = usual or _of_base(series)
    y = series.on_scale(series.now.value)
    variance = series.variance(known)
    if series.measure is Measure.SHARE:
        p_value = _share_p(series, known, usual is None, variance)
    else:
        p_value = _tail(series, (y - known.centre) / math.sqrt(variance), known.freedom)
    return Finding(
        p_value=p_value,
        effect=y - known.centre,
        usual=series.off_scale(known.centre),
        nights=usual.nights if usual else 0,
    )


def tail(z: float, freedom: float, worse: Worse) -> float:
    """How often Student's t goes as far on a side that is bad."""
    if worse is Worse.BOTH:
        return min(2 * float(special.stdtr(freedom, -abs(z))), _MAX_P)
    return float(special.stdtr(freedom, z if worse is Worse.BELOW else -z))


def _tail(series: Series, z: float, freedom: float) -> float:
    """How often chance goes z standard deviations from the usual, on a side that is bad.

    An exponential time lies z deviations above its mean when it is z + 1 times the mean, which is known from as many
    times as there are degrees of freedom: (1 + (z + 1) / f)^-f, the law of Lomax (1954).
    """
    if series.measure is Measure.DURATION:
        return float((1 + max(z + 1, 0.0) / freedom) ** -freedom)
    return tail(z, freedom, series.worse)


def _of_base(series: Series) -> Usual:
    """What the baseline alone says: its own sampling error, and nothing of how nights vary."""
    base = series.base
    assert base is not None  # noqa: S101 - the caller has looked
    return Usual(
        centre=series.on_scale(base.value),
        nights=0,
        of_centre=1,
        ratio=1.0,
        freedom=math.inf,
        sampling=series.sampling(base),
    )


def _share_p(series: Series, usual: Usual, is_base: bool, variance: float) -> float:  # noqa: FBT001 - two cases
    here, rows = _count(series.now)
    others = [series.base] if is_base and series.base else _of_weekday(series, usual)
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
    return min(len(sides) * float(special.stdtr(usual.freedom, -max(scores) / widening)), _MAX_P)


def _of_weekday(series: Series, usual: Usual) -> list[Point]:
    past = [(day, point) for day, point in series.past if day not in series.outliers]
    if usual.of_centre == usual.nights:
        return [point for _, point in past]
    return [point for day, point in past if day.weekday() == series.day.weekday()]


def _count(point: Point) -> tuple[int, int]:
    return round(point.value * point.rows), point.rows
