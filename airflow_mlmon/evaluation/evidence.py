"""Evidence of the drift of a column from profiles: the location of its values and their distribution.

Both use the ranks of the baseline, so neither depends on units, tails or outliers. A day that is part of the baseline
is compared with the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.drift.shift import MeanShift, shift_of
from airflow_mlmon.evaluation.shape import Peak, ScaledMoments, ShapeBase, Tail, ValueShape
from airflow_mlmon.profiles.columns.category import CategoryProfile, to_bucket
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.two_sample import pool_rare
from airflow_mlmon.tasks.titles import value_literal

_FEWEST_BINS = 4
_MOST_BINS = 20
_ROWS_PER_BIN = 10
_BASE_ROWS_PER_BIN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEvidence:
    """Comparison of a day's values with those of the baseline.

    Attributes:
        rows: Values of the day.
        base_rows: Values of the baseline, without those of the day.
        place: Mean rank among the baseline's values, from 0 to 1: the probability that a value of the day is the
            larger of the two, ties counted half (Mann and Whitney 1947); None for a category.
        scale: Standard deviation of the ranks of the baseline's own values; 0.29 without ties.
        statistic: Pearson's chi-square of both histograms on bins of equal mass of the baseline; bins with fewer
            than five expected rows are merged.
        freedom: Its degrees of freedom.
        shift: Shift of a vector's mean, see `drift.shift`; its other fields describe its norms.
        shape: ValueShape of its values, see `evaluation.shape`.
        base_moments: ScaledMoments of the baseline.
        base_tails: Lower and upper tail of the baseline.
        centre: Centre of the profile, which the values of the shape deviate from.
    """

    rows: int
    base_rows: int
    place: float | None
    scale: float
    statistic: float
    freedom: int
    shift: MeanShift | None = None
    shape: ValueShape = field(default_factory=ValueShape)
    base_moments: ScaledMoments | None = None
    base_tails: tuple[Tail, Tail] | None = None
    centre: float = 0.0

    @property
    def effective_rows(self) -> float:
        """Return the size of one sample with as much information as both: n m / (n + m)."""
        return self.rows * self.base_rows / (self.rows + self.base_rows)


class ColumnBase(Protocol):
    """Baseline of a column, prepared for many days."""

    def compare(self, day: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        """Compare a day with the baseline, which may contain it; None if either has no values."""


def column_base(baseline: ColumnProfile, bins: int) -> ColumnBase | None:
    """Prepare the baseline of a column with a number of bins; None for a column without a distribution."""
    if isinstance(baseline, NumericProfile):
        return _NumericBase(baseline.distribution, bins, baseline.schema.centre)
    if isinstance(baseline, VectorProfile):
        return _VectorBase(baseline, bins)
    if isinstance(baseline, CategoryProfile):
        return _CategoryBase(baseline)
    return None


class Comparisons:
    """Cache of comparisons, for many days evaluated in a row."""

    def __init__(self) -> None:
        self._bases: dict[tuple[int, int], tuple[ColumnProfile, ColumnBase | None]] = {}
        self._found: dict[tuple[int, int, int, bool], tuple[ColumnProfile, ColumnEvidence | None]] = {}

    def compare(
        self, baseline: ColumnProfile, bins: int, day: ColumnProfile, *, is_part: bool
    ) -> ColumnEvidence | None:
        """Compare a day with the baseline, with a number of bins."""
        # by identity: the compared objects are kept, so no other object can have their address
        key = (id(baseline), bins, id(day), is_part)
        if key not in self._found:
            _, base = self._bases.setdefault((id(baseline), bins), (baseline, column_base(baseline, bins)))
            self._found[key] = day, base.compare(day, is_part=is_part) if base else None
        return self._found[key][1]

    def are_with(self, baselines: Iterable[ColumnProfile]) -> bool:
        """Return whether any of them was compared with."""
        compared = {baseline for baseline, _ in self._bases}
        return any(id(baseline) in compared for baseline in baselines)


def bins_for(rows: int, base_rows: int) -> int:
    """Return the number of bins for a number of values, so that the baseline has as many as it can fill.

    With bins between quantiles of a few values Pearson's law would not hold, because the quantiles are random.
    """
    return min(max(min(rows // _ROWS_PER_BIN, base_rows // _BASE_ROWS_PER_BIN), _FEWEST_BINS), _MOST_BINS)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Ascending values of a baseline, with the rank and the bin of each."""

    keys: Floats
    cumulated: Floats
    counts: Counts
    scale: float
    bins: int

    @classmethod
    def of(cls, points: Tally, bins: int) -> Self:
        cumulated = np.concatenate(([0.0], np.cumsum(points.counts, dtype=np.float64)))
        ranks = (cumulated[1:] + cumulated[:-1]) / (2 * cumulated[-1])
        binned = np.bincount(_places(ranks, bins), weights=points.counts, minlength=bins)
        scale = float(np.sqrt(np.average((ranks - 0.5) ** 2, weights=points.counts)))
        return cls(points.keys, cumulated, binned.astype(np.int64), scale, bins)

    def ranks_of(self, keys: Floats) -> Floats:
        below = self.cumulated[np.searchsorted(self.keys, keys, side="left")]
        up_to = self.cumulated[np.searchsorted(self.keys, keys, side="right")]
        ranks: Floats = (below + up_to) / (2 * self.cumulated[-1])
        return ranks


class _NumericBase:
    def __init__(self, baseline: Distribution, bins: int, centre: float) -> None:
        self._baseline = baseline
        self._bins = bins
        self._centre = centre

    @cached_property
    def _exact(self) -> _Ranks:
        return _Ranks.of(self._baseline.points, self._bins)

    @cached_property
    def _grid(self) -> _Ranks:
        return _Ranks.of(self._baseline.to_grid().points, self._bins)

    @cached_property
    def _exact_shape(self) -> ShapeBase:
        return ShapeBase(self._baseline.points, is_numeric=True)

    @cached_property
    def _grid_shape(self) -> ShapeBase:
        return ShapeBase(self._baseline.to_grid().points, is_numeric=True)

    def compare(self, day: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        numbers: NumericProfile = day  # type: ignore[assignment]
        distribution = numbers.distribution
        rows, total = distribution.rows, self._baseline.rows
        rest = total - rows if is_part else total
        if not rows or rest <= 0:
            return None
        both_exact = self._baseline.is_exact and distribution.is_exact
        base = self._exact if both_exact else self._grid
        points = distribution.points if both_exact else distribution.to_grid().points
        ranks = base.ranks_of(points.keys)
        place = float(points.counts @ ranks) / rows
        counts = np.bincount(_places(ranks, self._bins), weights=points.counts, minlength=self._bins).astype(np.int64)
        if is_part:
            # the mean rank among its own values is one half
            place = (total * place - rows / 2) / rest
        statistic, freedom = _chisquare(base.counts - counts if is_part else base.counts, counts)
        shapes = self._exact_shape if both_exact else self._grid_shape
        return ColumnEvidence(
            rows=rows,
            base_rows=rest,
            place=place,
            scale=base.scale,
            statistic=statistic,
            freedom=freedom,
            shape=shapes.compare(points, is_part=is_part, ends=_ends(numbers, self._centre)),
            base_moments=shapes.moments,
            base_tails=shapes.tails,
            centre=self._centre,
        )


class _VectorBase:
    def __init__(self, baseline: VectorProfile, bins: int) -> None:
        self._dimensions = baseline.dimensions
        self._norms = _NumericBase(baseline.norm.distribution, bins, baseline.norm.schema.centre)

    def compare(self, day: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        vector: VectorProfile = day  # type: ignore[assignment]
        found = self._norms.compare(vector.norm, is_part=is_part)
        if found is None:
            return None
        is_held = is_part and vector.dimensions.rows
        others = self._dimensions.without(vector.dimensions) if is_held else self._dimensions
        return replace(found, shift=shift_of(others, vector.dimensions))


def _ends(numbers: NumericProfile, centre: float) -> tuple[float, float] | None:
    """Return the exact extremes as deviations; None if unknown, as of a difference of profiles."""
    if numbers.min is None or numbers.max is None:
        return None
    return numbers.min - centre, numbers.max - centre


class _CategoryBase:
    def __init__(self, baseline: CategoryProfile) -> None:
        self._size = len(baseline.schema.vocabulary)
        self._counts = self._count(baseline)
        self._shapes = ShapeBase(self._places(baseline), is_numeric=False)

    def _places(self, column: CategoryProfile) -> Tally:
        """Count the vocabulary by position, and the values beyond it by bucket after these."""
        rest = Tally(keys=column.unseen.keys + self._size, counts=column.unseen.counts.copy())
        return Tally.total([column.known, rest])

    def _count(self, column: CategoryProfile) -> Counts:
        known = column.known.spread(np.arange(self._size))
        return np.append(known, column.unseen_rows)

    def compare(self, day: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        counts = self._count(day)  # type: ignore[arg-type]
        base = self._counts - counts if is_part else self._counts
        rows, rest = int(counts.sum()), int(base.sum())
        if not rows or rest <= 0:
            return None
        # a value too rare for the baseline is evaluated by the new-category rate
        statistic, freedom = _chisquare(base, counts, always_rare=1)
        return ColumnEvidence(
            rows=rows,
            base_rows=rest,
            place=None,
            scale=0.0,
            statistic=statistic,
            freedom=freedom,
            shape=self._shape(day, is_part=is_part),  # type: ignore[arg-type]
        )

    def _shape(self, day: CategoryProfile, *, is_part: bool) -> ValueShape:
        found = self._shapes.compare(self._places(day), is_part=is_part)
        return replace(found, peak=self._named(found.peak, day), trough=self._named(found.trough, day))

    def _named(self, peak: Peak | None, day: CategoryProfile) -> Peak | None:
        return replace(peak, value=_literal(day, int(peak.at), self._size)) if peak else None


def _literal(day: CategoryProfile, place: int, size: int) -> str:
    """Return the value at a place: of the vocabulary, or the most frequent known one of a bucket."""
    if place < size:
        return value_literal(day.schema.vocabulary[place])
    named = [
        (rows, name) for name, rows in (*day.names, *day.further_names) if to_bucket(name.encode()) == place - size
    ]
    return value_literal(max(named)[1]) if named else ""


def _places(ranks: Floats, bins: int) -> npt.NDArray[np.int64]:
    return np.minimum((ranks * bins).astype(np.int64), bins - 1)


def _chisquare(base: Counts, day: Counts, *, always_rare: int = 0) -> tuple[float, int]:
    """Return Pearson's statistic of homogeneity of two histograms, and its degrees of freedom."""
    first, second = pool_rare(base, day, always_rare=always_rare)
    if len(first) < 2:  # noqa: PLR2004 - all rows are in one bin
        return 0.0, 0
    total = first + second
    share = second.sum() / total.sum()
    # both cells of a bin have the same deviation: (O - E)^2 (1/E + 1/E') with E' the other side's expectation
    deviation = second - share * total
    return float((deviation**2 / (total * share * (1 - share))).sum()), len(first) - 1
