"""Metrics of how a score orders rows, from its cells: average precision, Kolmogorov-Smirnov, and the top of the list.

The order of the rows of one cell is not known. They count as in random order; where neither neighbour of a cell holds a
row, as with scores of two decimals, they have one score. What the order could change is given as the error bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.arrays import Counts, Flags, Floats
from airflow_mlmon.statistics.intervals import auc_interval, positive_interval, share_interval, wilson_interval
from airflow_mlmon.tasks.binary.table import TOPS

# from here on, the series of a harmonic number is exact to the last digits of a double
_LARGE = 32
_EULER = 0.5772156649015329
_FIRST = np.concatenate(([0.0], np.cumsum(1 / np.arange(1, _LARGE + 1))))


@dataclass(frozen=True)
class RankedRows:
    """Labelled rows by cell of the score, the highest first.

    Attributes:
        positive: How many of each cell are positive.
        negative: How many are negative.
        is_alone: Whether neither neighbour of a cell holds a row, so that its rows have one score.
    """

    positive: Counts
    negative: Counts
    is_alone: Flags

    @classmethod
    def of(cls, positive: Tally, negative: Tally) -> Self:
        """Order the cells of both classes."""
        keys = np.union1d(positive.keys, negative.keys)[::-1]
        gaps = np.concatenate(([2], keys[:-1] - keys[1:], [2]))
        is_alone = (gaps[:-1] > 1) & (gaps[1:] > 1)
        return cls(positive.spread(keys[::-1])[::-1], negative.spread(keys[::-1])[::-1], is_alone)

    @cached_property
    def positives(self) -> int:
        """Positive labels."""
        return int(self.positive.sum())

    @cached_property
    def rows(self) -> int:
        """Labelled rows with a score."""
        return self.positives + int(self.negative.sum())

    @cached_property
    def positive_before(self) -> Counts:
        """How many positive labels have a higher score."""
        found: Counts = np.cumsum(self.positive) - self.positive
        return found

    @cached_property
    def negative_before(self) -> Counts:
        """How many negative labels have a higher score."""
        found: Counts = np.cumsum(self.negative) - self.negative
        return found


def measure_curves(positive: Tally, negative: Tally, lack: str) -> Iterator[MetricValue]:
    """Measure average precision, Kolmogorov-Smirnov, and rate and lift at the top; `lack` says why there is no row."""
    ordered = RankedRows.of(positive, negative)
    yield _average_precision(ordered, lack)
    yield _largest_distance(ordered, lack)
    for name, share in TOPS.items():
        yield from _top(ordered, name, share, lack)


def _average_precision(ordered: RankedRows, lack: str) -> MetricValue:
    """Sum precision times the gain of recall, with the interval of Boyd, Eng and Page (ECML PKDD 2013)."""
    metric = "average_precision"
    if not ordered.positives:
        return _none(metric, ordered, lack or "no label is positive")
    hits, misses = ordered.positive.astype(np.float64), ordered.negative.astype(np.float64)
    before: Floats = ordered.positive_before.astype(np.float64)
    rows_before: Floats = before + ordered.negative_before
    inside = hits + misses
    tied = hits * (before + hits) / (rows_before + inside)
    # in random order the row at place j is positive with probability hits / inside, and of the places before it a
    # share (hits - 1) / (inside - 1) is: sums of (a + b (j - 1)) / (rows before + j)
    slope = (hits - 1) / np.maximum(inside - 1, 1)
    drawn = hits / inside * _sum_of_ratios(before + 1, slope, rows_before, inside)
    one = np.ones_like(hits)
    best = _sum_of_ratios(before + 1, one, rows_before, hits)
    worst = _sum_of_ratios(before + 1, one, rows_before + misses, hits)
    values = np.where(ordered.is_alone, tied, drawn)
    value = float(values.sum()) / ordered.positives
    above = float((np.maximum(best, tied) - values).sum()) / ordered.positives
    below = float((values - worst).sum()) / ordered.positives
    measured = MetricValue(metric=metric, value=value, rows=ordered.rows, error_bound=max(above, below, 0.0))
    return measured.within(auc_interval(value, value * (1 - value) / ordered.positives))


def _sum_of_ratios(first: Floats, slope: Floats, before: Floats, places: Floats) -> Floats:
    """Sum (first + slope (j - 1)) / (before + j) over the places j = 1, 2, … of each cell."""
    harmonic = _harmonic(before + places) - _harmonic(before)
    sums: Floats = places * slope + (first - slope * (1 + before)) * harmonic
    return sums


def _harmonic(numbers: Floats) -> Floats:
    """Sum 1 / j up to each number."""
    large = np.maximum(numbers, _LARGE)
    series = np.log(large) + _EULER + 1 / (2 * large) - 1 / (12 * large**2) + 1 / (120 * large**4)
    return np.where(numbers < _LARGE, _FIRST[np.minimum(numbers, _LARGE).astype(np.int64)], series)


def _largest_distance(ordered: RankedRows, lack: str) -> MetricValue:
    """Find the largest distance of the classes' distribution functions, with the interval of the two shares there."""
    cases, controls = ordered.positives, ordered.rows - ordered.positives
    if not cases or not controls:
        return _none("ks", ordered, lack or "all labels are of one class")
    hits, misses = ordered.positive / cases, ordered.negative / controls
    distances = np.cumsum(hits) - np.cumsum(misses)
    before = distances - hits + misses
    place = int(np.argmax(np.abs(distances)))
    value = float(abs(distances[place]))
    bound = float(np.max(np.maximum(before + hits, misses - before))) - value
    above = int(ordered.positive[: place + 1].sum()), int(ordered.negative[: place + 1].sum())
    low, high = share_interval(above[1], controls, above[0], cases)
    if distances[place] < 0:
        low, high = -high, -low
    measured = MetricValue(metric="ks", value=value, rows=ordered.rows, error_bound=max(bound, 0.0))
    return measured.within((max(low, 0.0), min(high, 1.0)))


def _top(ordered: RankedRows, name: str, share: float, lack: str) -> Iterator[MetricValue]:
    """Measure the share of positives among the rows with the highest scores, and how often the share of all it is."""
    if not ordered.rows:
        yield _none(f"positive_rate_{name}", ordered, lack)
        yield _none(f"lift_{name}", ordered, lack)
        return
    places = math.ceil(share * ordered.rows)
    inside = ordered.positive + ordered.negative
    last = int(np.searchsorted(np.cumsum(inside), places))
    taken = places - int(inside[:last].sum())
    known, cell, others = int(ordered.positive[:last].sum()), int(ordered.positive[last]), int(ordered.negative[last])
    hits = known + cell * taken / (cell + others)
    bound = max(known + min(taken, cell) - hits, hits - known - max(taken - others, 0)) / places
    rate = MetricValue(metric=f"positive_rate_{name}", value=hits / places, rows=places, error_bound=bound)
    yield rate.within(wilson_interval(round(hits), places))
    if not ordered.positives:
        yield _none(f"lift_{name}", ordered, "no label is positive")
        return
    base = ordered.positives / ordered.rows
    value = hits / places / base
    lift = MetricValue(metric=f"lift_{name}", value=value, rows=places, error_bound=bound / base)
    yield lift.within(positive_interval(value, value**2 * _variance_of_log(hits, places, ordered)))


def _variance_of_log(hits: float, places: int, ordered: RankedRows) -> float:
    """Compute the delta-method variance of a log lift: the top's positives are among those of all."""
    rest = ordered.rows - places
    missed = ordered.positives - hits
    if not hits:
        return 0.0
    of_hits = hits * (1 - hits / places) * (1 / hits - 1 / ordered.positives) ** 2
    return of_hits + (missed * (1 - missed / rest) / ordered.positives**2 if rest else 0.0)


def _none(metric: str, ordered: RankedRows, reason: str) -> MetricValue:
    return MetricValue(metric=metric, value=None, rows=ordered.rows, reason=reason)
