"""Variance between days beyond sampling error, and the expected value of the next day.

Past days are y_i = m + b_i + e_i, with e_i of the known sampling variance s_i^2 and b_i of an unknown variance
between days. The dispersion ratio of observed to expected variation

    r = sum((y_i - m)^2 / s_i^2) / f,        f = days - means fitted

says how much more they vary than sampling explains; the variance between days is (r - 1) s^2 where r > 1. The
next day's variance is that plus its own sampling variance. Where weekdays differ, m is the mean of the weekday.

The ratios of many metrics are shrunk towards each other as far as they agree (Smyth 2004, "Linear models and
empirical Bayes methods"): a few days of thirty columns say more of each than its own few days do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy import special

from airflow_mlmon.statistics.arrays import Flags, Floats

FEWEST_DAYS = 3
_WEEK = 7
# days from which on weekdays can be told apart, and the significance that is needed
_SEASON_DAYS = 3 * _WEEK
_SEASON_LEVEL = 0.01
# days from which on a trend can be told, and the significance that is needed
_TREND_DAYS = 10
_TREND_LEVEL = 0.001
_FEWEST_TO_SHRINK = 3
_FARTHEST_OUT = 4
_MANY = 1e6
_NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Expected value of the next day, estimated from past days.

    Attributes:
        centre: Expected value.
        days: Number of days it is estimated from.
        of_centre: Number of days averaged in the centre: those of the weekday, or all; fewer where it follows a trend.
        ratio: Ratio of observed to expected variation.
        freedom: Degrees of freedom of the ratio.
        sampling: Typical sampling variance of a past day.
    """

    centre: float
    days: int
    of_centre: float
    ratio: float
    freedom: float
    sampling: float

    @property
    def between(self) -> float:
        """Variance between days."""
        return max(self.ratio - 1.0, 0.0) * self.sampling

    def variance(self, sampling: float) -> float:
        """Compute the variance of the distance between the centre and a day with this sampling variance."""
        return sampling + self.between + (self.sampling + self.between) / self.of_centre


@dataclass(frozen=True, slots=True, kw_only=True)
class PastNumbers:
    """Numbers of past days, from which that of the next is expected; see `estimate_expected`."""

    days: Sequence[date]
    values: Floats
    sampling: Floats
    day: date
    season: str
    outliers: Collection[date] = frozenset()
    has_trend: bool = False

    @property
    def is_plain(self) -> bool:
        """Return whether there are enough days, none of them counts as another value, and no trend is followed."""
        is_outlying = bool(self.outliers) and not set(self.outliers).isdisjoint(self.days)
        return len(self.values) >= FEWEST_DAYS and not self.has_trend and not is_outlying


def estimate_each(numbers: Sequence[PastNumbers]) -> list[Expectation | None]:
    """Estimate each as `estimate_expected` does, those of the same days together: a day has hundreds of them."""
    found: list[Expectation | None] = [None] * len(numbers)
    alike: dict[tuple[date, str, tuple[date, ...]], list[int]] = {}
    for at, one in enumerate(numbers):
        if one.is_plain:
            alike.setdefault((one.day, one.season, tuple(one.days)), []).append(at)
        else:
            found[at] = estimate_expected(
                one.days,
                one.values,
                one.sampling,
                day=one.day,
                season=one.season,
                outliers=one.outliers,
                has_trend=one.has_trend,
            )
    for (day, season, days), places in alike.items():
        values, sampling = (np.stack([getattr(numbers[at], name) for at in places]) for name in ("values", "sampling"))
        for at, expected in zip(places, _estimate_rows(days, values, sampling, day=day, season=season), strict=True):
            found[at] = expected
    return found


def estimate_expected(
    days: Sequence[date],
    values: Floats,
    sampling: Floats,
    *,
    day: date,
    season: str,
    outliers: Collection[date] = frozenset(),
    has_trend: bool = False,
) -> Expectation | None:
    """Estimate the expected value on `day` from the days before it.

    Days in breach that are over recur, but rarely as far out: such a day counts with the value four standard
    deviations from the centre of the others (winsorised), so that storms widen the expected range a little, and
    one broken day does not mask the next.

    Args:
        days: days of the values.
        values: values measured on them.
        sampling: sampling variance of each value.
        day: evaluated day.
        outliers: days that were in breach and are over.
        season: `weekday` compares with the same weekday where there are days of it, `none` never does,
            and `auto` does where the weekdays differ significantly.
        has_trend: whether a significant linear trend is followed, as of a number that grows.

    Returns:
            The estimate; None with too few days.
    """
    if outliers and (is_out := np.array([past in outliers for past in days], dtype=np.bool_)).any():
        kept = [past for past in days if past not in outliers]
        others = estimate_expected(kept, values[~is_out], sampling[~is_out], day=day, season="none")
        if others is None:
            return None
        width = _FARTHEST_OUT * np.sqrt(others.ratio * np.maximum(sampling, others.sampling))
        values = np.where(is_out, np.clip(values, others.centre - width, others.centre + width), values)
    if len(values) < FEWEST_DAYS:
        return None
    slope = _slope(days, values, sampling) if has_trend else 0.0
    if slope:
        ages = np.array([(day - past).days for past in days], dtype=np.float64)
        flat = estimate_expected(days, values + slope * ages, sampling, day=day, season=season)
        assert flat is not None  # noqa: S101 - the days are enough
        leverage = 1 / flat.of_centre + float(ages.mean() ** 2 / ((ages - ages.mean()) ** 2).sum())
        freedom = flat.freedom - 1
        return replace(flat, of_centre=1 / leverage, ratio=flat.ratio * flat.freedom / freedom, freedom=freedom)
    return _estimate_rows(days, values[np.newaxis], sampling[np.newaxis], day=day, season=season)[0]


def _estimate_rows(
    days: Sequence[date], values: Floats, sampling: Floats, *, day: date, season: str
) -> list[Expectation]:
    """Estimate what is expected of each row of values, of which the same days have one each."""
    weights, length = 1 / sampling, len(days)
    scatter = _scatter(values, weights, np.zeros(length, dtype=np.int64))
    found = _expectations(values, weights, weights, scatter / (length - 1), length - 1)
    if season == "none":
        return found
    weekdays = np.array([past.weekday() for past in days])
    same = weekdays == day.weekday()
    seasonal = np.flatnonzero(_has_season(weekdays, values, weights, same, scatter, is_asked=season == "weekday"))
    if len(seasonal):
        own, held = values[seasonal], weights[seasonal]
        freedom = length - _count_different(weekdays)
        ratio = _scatter(own, held, weekdays) / freedom
        of_weekday, held_then = (np.compress(same, numbers, axis=1) for numbers in (own, held))
        for at, one in zip(seasonal, _expectations(of_weekday, held_then, held, ratio, freedom), strict=True):
            found[at] = one
    return found


def _expectations(own: Floats, own_weights: Floats, weights: Floats, ratios: Floats, freedom: int) -> list[Expectation]:
    """Return what is expected of each row: the mean of its own values, and the variation of all that have a weight."""
    centres = (own * own_weights).sum(axis=1) / own_weights.sum(axis=1)
    sampling = weights.shape[1] / weights.sum(axis=1)
    return [
        Expectation(
            centre=centre,
            days=weights.shape[1],
            of_centre=own.shape[1],
            ratio=ratio,
            freedom=freedom,
            sampling=typical,
        )
        for centre, ratio, typical in zip(centres.tolist(), ratios.tolist(), sampling.tolist(), strict=True)
    ]


def shrink(found: Sequence[Expectation]) -> list[Expectation]:
    """Shrink the dispersion ratios towards their common prior (Smyth 2004), as far as they agree."""
    varied = [expected for expected in found if expected.ratio > 0]
    if len(varied) < _FEWEST_TO_SHRINK:
        return list(found)
    prior, weight = _prior(np.array([u.ratio for u in varied]), np.array([u.freedom for u in varied]))
    return [
        replace(
            expected,
            ratio=(weight * prior + expected.freedom * expected.ratio) / (weight + expected.freedom),
            freedom=expected.freedom + weight,
        )
        for expected in found
    ]


def _has_season(
    weekdays: npt.NDArray[np.int_],
    values: Floats,
    weights: Floats,
    same: Flags,
    around: Floats,
    *,
    is_asked: bool,
) -> Flags:
    """Apply the F test of equal weekday means to each row; `around` is the scatter around one mean of all days."""
    groups = _count_different(weekdays)
    freedom = len(weekdays) - groups
    is_possible = same.any() and freedom >= FEWEST_DAYS - 1 and groups > 1
    if not is_possible or is_asked or len(weekdays) < _SEASON_DAYS:
        return np.full(len(values), is_possible and is_asked)
    within = _scatter(values, weights, weekdays)
    is_varied = within > 0
    statistic = (around - within) / (groups - 1) / (np.where(is_varied, within, 1.0) / freedom)
    is_significant = special.fdtrc(groups - 1, freedom, np.maximum(statistic, 0.0)) < _SEASON_LEVEL
    has_season: Flags = np.where(is_varied, is_significant, around > 0)
    return has_season


def _slope(days: Sequence[date], values: Floats, sampling: Floats) -> float:
    """Return the change per day by least squares if it is significant by the t test, else 0."""
    if len(days) < _TREND_DAYS:
        return 0.0
    ages = np.array([(past - days[0]).days for past in days], dtype=np.float64)
    weights = 1 / sampling
    ages -= np.average(ages, weights=weights)
    centred = values - np.average(values, weights=weights)
    among = float((weights * ages**2).sum())
    slope = float((weights * ages * centred).sum()) / among
    freedom = len(days) - 2
    rest = float((weights * (centred - slope * ages) ** 2).sum()) / freedom
    statistic = abs(slope) * math.sqrt(among / rest) if rest > 0 else math.inf
    return slope if slope and 2 * special.stdtr(freedom, -statistic) < _TREND_LEVEL else 0.0


def _count_different(numbers: npt.NDArray[np.int_]) -> int:
    return len(set(numbers.tolist()))


def _scatter(values: Floats, weights: Floats, groups: npt.NDArray[np.int_]) -> Floats:
    """Sum the squared distances of each row from the mean of each group, in units of the sampling variance."""
    rows, size = len(values), int(groups.max()) + 1
    places = (groups + size * np.arange(rows)[:, np.newaxis]).ravel()
    totals, sums = (
        np.bincount(places, weights=held.ravel(), minlength=rows * size).reshape(rows, size)
        for held in (weights, weights * values)
    )
    means = (sums / np.where(totals > 0, totals, 1.0))[:, groups]
    scatter: Floats = np.ascontiguousarray(weights * (values - means) ** 2).sum(axis=1)
    return scatter


def _prior(ratios: Floats, freedoms: Floats) -> tuple[float, float]:
    """Estimate the common ratio and its degrees of freedom from the moments of the log ratios."""
    logs = np.log(ratios) - special.digamma(freedoms / 2) + np.log(freedoms / 2)
    excess = float(np.var(logs, ddof=1) - special.polygamma(1, freedoms / 2).mean())
    if excess <= 0:
        return float(math.exp(logs.mean())), _MANY
    weight = 2 * _inverse_trigamma(excess)
    return float(math.exp(logs.mean() + special.digamma(weight / 2) - math.log(weight / 2))), weight


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(x) = value by Newton's method on 1 / trigamma, which is nearly linear."""
    x = 0.5 + 1 / value
    for _ in range(_NEWTON_STEPS):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-8 * x:
            break
    return x
