"""Shape of the values of a day beside their ranks: mean and spread, extremes, the peak, and the distinct values.

Ranks see neither how far an outlier lies nor a collapse of the middle. Mean and spread are therefore taken on

    s(x) = asinh((x - m) / u),   m the baseline's median, u its interquartile range / 1.35

which is linear near the median and logarithmic beyond: a share of rows in another unit moves both, while their own
sampling variance stays that of a light tail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Counts, Floats

# interquartile range of the normal distribution, in standard deviations
_NORMAL_RANGE = 1.349
# standard deviation of a constant day, as a share of the baseline's
_LEAST_SPREAD = 1e-3
_LEAST_KURTOSIS = 1.2
# share of the baseline's values from which its tails are estimated, and the fewest
_TAIL = 0.01
_FEWEST_IN_TAIL = 10
# values of a category from which its histogram on few bins does not tell that one of them gains
_MANY_VALUES = 50
# on the scale s: no tail is taken to be shorter
_SHORTEST_TAIL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledMoments:
    """Mean and spread of values on the scale s.

    Attributes:
        mean: Mean.
        deviation: Standard deviation.
        kurtosis: Fourth standardised moment.
        low: Smallest value.
        high: Largest value.
    """

    mean: float
    deviation: float
    kurtosis: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Value, or cell of the grid, whose share exceeds that of the baseline most.

    Attributes:
        at: The value, or the middle of the cell, as deviation from the centre.
        rows: Values of the day there.
        base_rows: Values of the baseline there.
        excess: Excess of the share, or for a trough what it lacks.
        places: Number of values or cells looked at.
        value: The value of a category as a literal; empty of a number, and where it is not known.
    """

    at: float
    rows: int
    base_rows: int
    excess: float
    places: int
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """Number of distinct values or cells against the number that as many rows of the baseline would have.

    Attributes:
        log_ratio: Logarithm of the ratio.
        variance: Sampling variance of the logarithm.
    """

    log_ratio: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueShape:
    """Shape of the values of a day.

    Attributes:
        moments: Mean and spread of numbers.
        peak: Value that has gained most, of numbers and of categories of many values.
        trough: Value that has lost most, of categories of many values.
        distinct: Number of distinct values.
    """

    moments: ScaledMoments | None = None
    peak: Peak | None = None
    trough: Peak | None = None
    distinct: Distinct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Exponential law of the values beyond a quantile, on the scale s.

    Attributes:
        start: The quantile, away from the median.
        share: Share of the values beyond it.
        length: Mean distance of these from it.
        values: Number of values that it is estimated from.
    """

    start: float
    share: float
    length: float
    values: int


class ShapeBase:
    """Baseline of a column, prepared for the shapes of many days."""

    def __init__(self, points: Tally, *, is_numeric: bool) -> None:
        """Prepare from the counts of values, of cells, or of the positions of a vocabulary."""
        self._points = points
        self._has_many = not is_numeric and len(points) > _MANY_VALUES
        self._middle, self._unit = _median_and_unit(points) if is_numeric else (0.0, 0.0)
        scaled = self._scaled(points.keys) if self._unit else None
        self.moments = _moments(scaled, points.counts) if scaled is not None else None
        self.tails = _tails(scaled, points.counts) if scaled is not None else None

    def compare(self, points: Tally, *, is_part: bool, ends: tuple[float, float] | None = None) -> ValueShape:
        """Return the shape of a day; `ends` are its exact extremes, as deviations from the centre."""
        keys = np.union1d(self._points.keys, points.keys)
        day = points.spread(keys)
        base = self._points.spread(keys) - (day if is_part else 0)
        found = None
        if self.moments is not None and self.moments.deviation:
            found = _moments(self._scaled(points.keys), points.counts, self._scaled(np.array(ends)) if ends else None)
        return ValueShape(
            moments=found,
            peak=_peak(keys, day, base) if self._unit or self._has_many else None,
            trough=_peak(keys, day, base, sign=-1) if self._has_many else None,
            distinct=_distinct(day, base),
        )

    def _scaled(self, keys: Floats) -> Floats:
        scaled: Floats = np.arcsinh((keys - self._middle) / self._unit)
        return scaled


def _median_and_unit(points: Tally) -> tuple[float, float]:
    """Return the median and the unit of the scale; the unit is the deviation where the middle half is one value."""
    if not len(points):
        return 0.0, 0.0
    up_to = np.cumsum(points.counts)
    places = np.minimum(np.searchsorted(up_to, up_to[-1] * np.array([0.25, 0.5, 0.75])), len(points) - 1)
    low, middle, high = points.keys[places].tolist()
    unit = (high / 2 - low / 2) * 2 / _NORMAL_RANGE
    if not unit or not math.isfinite(unit):
        largest = float(np.abs(points.keys - middle).max())
        ratios = (points.keys - middle) / (largest or 1.0)
        unit = largest * math.sqrt(float(np.average(ratios**2, weights=points.counts)))
    return middle, unit if math.isfinite(unit) else 0.0


def _moments(scaled: Floats, counts: Counts, ends: Floats | None = None) -> ScaledMoments:
    mean = float(np.average(scaled, weights=counts))
    squares = (scaled - mean) ** 2
    variance = float(np.average(squares, weights=counts))
    fourth = float(np.average(squares**2, weights=counts))
    return ScaledMoments(
        mean=mean,
        deviation=math.sqrt(variance),
        kurtosis=max(fourth / variance**2 if variance else 0.0, _LEAST_KURTOSIS),
        low=float(scaled[0] if ends is None else ends[0]),
        high=float(scaled[-1] if ends is None else ends[1]),
    )


def log_spread(day: ScaledMoments, base: ScaledMoments) -> float:
    """Return the logarithm of the ratio of the standard deviations; of a constant day, a thousandth's."""
    return math.log(max(day.deviation / base.deviation, _LEAST_SPREAD))


def _tails(scaled: Floats, counts: Counts) -> tuple[Tail, Tail]:
    return _tail(-scaled[::-1], counts[::-1]), _tail(scaled, counts)


def _tail(ascending: Floats, counts: Counts) -> Tail:
    """Estimate the law of the largest hundredth, by the mean excess over its quantile."""
    up_to = np.cumsum(counts)
    rows = int(up_to[-1])
    wanted = min(max(round(_TAIL * rows), _FEWEST_IN_TAIL), rows)
    start = int(np.searchsorted(up_to, rows - wanted, side="right"))
    beyond, weights = ascending[start:], counts[start:]
    values = int(weights.sum())
    first = float(beyond[0])
    length = float(np.average(beyond - first, weights=weights))
    return Tail(start=first, share=values / rows, length=max(length, _SHORTEST_TAIL), values=values)


def _peak(keys: Floats, day: Counts, base: Counts, sign: int = 1) -> Peak | None:
    """Return the value that has gained most, or with a sign of -1 the one that has lost most."""
    rest = int(base.sum())
    if rest <= 0:
        return None
    excess = sign * (day / day.sum() - base / rest)
    at = int(np.argmax(excess))
    return Peak(
        at=float(keys[at]),
        rows=int(day[at]),
        base_rows=int(base[at]),
        excess=max(float(excess[at]), 0.0),
        places=len(keys),
    )


def _distinct(day: Counts, base: Counts) -> Distinct | None:
    """Compare with the rarefaction of the baseline (Hurlbert 1971), beyond its values by Good's share of new ones.

    Nothing is known of how many values more rows than the baseline's have: new ones become fewer, but not how fast.
    """
    rows, rest = int(day.sum()), int(base.sum())
    known = base[base > 0]
    if not 0 < rows <= rest:
        return None
    # probability that none of the rows has the value
    lacking = np.exp(rows * np.log1p(-np.minimum(known / rest, 1 - 1e-12)))
    once = int((known == 1).sum())
    new = rows * once / rest
    expected = float((1 - lacking).sum()) + new
    variance = float((lacking * (1 - lacking)).sum()) + new
    found = int((day > 0).sum())
    # of few values one more or less is no news
    return Distinct(log_ratio=math.log(found / expected), variance=max(variance, 1.0) / expected**2)
