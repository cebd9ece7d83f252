"""What the profiles of a column say of its drift: where its values lie, and how they are spread.

Both are measured on the baseline's own ranks, so neither depends on units, tails or outliers. A night that is
part of the baseline is compared with the rest of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.drift.shift import MeanShift, shift_of
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.two_sample import pool_rare

_FEWEST_BINS = 4
_MOST_BINS = 20
_ROWS_PER_BIN = 10
_BASE_ROWS_PER_BIN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEvidence:
    """How the values of a night lie among those of the baseline.

    Attributes:
        rows: Values of the night.
        base_rows: Values of the baseline, without the night's own.
        place: Mean rank among the baseline's values, from 0 to 1: the chance that a value of the night is the
            larger of the two, ties counted half (Mann and Whitney 1947); None of a category.
        scale: Standard deviation of the ranks of the baseline's own values; 0.29 where there are no ties.
        statistic: Pearson's chi-square of both histograms on bins of equal mass of the baseline, in which bins
            that expect fewer than five rows are one.
        freedom: Its degrees of freedom.
        shift: Of a vector, whose norms are what the above is of, how far its mean has moved; see `drift.shift`.
    """

    rows: int
    base_rows: int
    place: float | None
    scale: float
    statistic: float
    freedom: int
    shift: MeanShift | None = None

    @property
    def effective_rows(self) -> float:
        """Rows of one sample that says as much as the two: n m / (n + m)."""
        return self.rows * self.base_rows / (self.rows + self.base_rows)


class ColumnBase(Protocol):
    """The baseline of a column, prepared for many nights."""

    def compare(self, night: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        """How a night lies among the baseline, which it may be part of; None where either has no value."""


def column_base(baseline: ColumnProfile, bins: int) -> ColumnBase | None:
    """The baseline of a column, on so many bins; None of a kind that has no distribution."""
    if isinstance(baseline, NumericProfile):
        return _NumericBase(baseline.distribution, bins)
    if isinstance(baseline, VectorProfile):
        return _VectorBase(baseline, bins)
    if isinstance(baseline, CategoryProfile):
        return _CategoryBase(baseline)
    return None


def bins_for(rows: int, base_rows: int) -> int:
    """How many bins a night of so many values fills, when the baseline that cuts them has so many.

    A bin between two quantiles of a few values is itself a matter of chance, which Pearson's law does not know.
    """
    return min(max(min(rows // _ROWS_PER_BIN, base_rows // _BASE_ROWS_PER_BIN), _FEWEST_BINS), _MOST_BINS)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """The ascending values of a baseline, with the rank of each and the bin that it falls into."""

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
    def __init__(self, baseline: Distribution, bins: int) -> None:
        self._baseline = baseline
        self._bins = bins

    @cached_property
    def _exact(self) -> _Ranks:
        return _Ranks.of(self._baseline.points, self._bins)

    @cached_property
    def _grid(self) -> _Ranks:
        return _Ranks.of(self._baseline.to_grid().points, self._bins)

    def compare(self, night: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        distribution = night.distribution  # type: ignore[union-attr]
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
            # its rank among itself is one half
            place = (total * place - rows / 2) / rest
        statistic, freedom = _chisquare(base.counts - counts if is_part else base.counts, counts)
        return ColumnEvidence(
            rows=rows, base_rows=rest, place=place, scale=base.scale, statistic=statistic, freedom=freedom
        )


class _VectorBase:
    def __init__(self, baseline: VectorProfile, bins: int) -> None:
        self._dimensions = baseline.dimensions
        self._norms = _NumericBase(baseline.norm.distribution, bins)

    def compare(self, night: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        vector: VectorProfile = night  # type: ignore[assignment]
        found = self._norms.compare(vector.norm, is_part=is_part)
        if found is None:
            return None
        is_held = is_part and vector.dimensions.rows
        others = self._dimensions.without(vector.dimensions) if is_held else self._dimensions
        return replace(found, shift=shift_of(others, vector.dimensions))


class _CategoryBase:
    def __init__(self, baseline: CategoryProfile) -> None:
        self._size = len(baseline.layout.vocabulary)
        self._counts = self._count(baseline)

    def _count(self, column: CategoryProfile) -> Counts:
        known = column.known.spread(np.arange(self._size))
        return np.append(known, column.unseen_rows)

    def compare(self, night: ColumnProfile, *, is_part: bool) -> ColumnEvidence | None:
        counts = self._count(night)  # type: ignore[arg-type]
        base = self._counts - counts if is_part else self._counts
        rows, rest = int(counts.sum()), int(base.sum())
        if not rows or rest <= 0:
            return None
        # a value that is too rare for the baseline to hold is judged by the share of unseen values
        statistic, freedom = _chisquare(base, counts, always_rare=1)
        return ColumnEvidence(rows=rows, base_rows=rest, place=None, scale=0.0, statistic=statistic, freedom=freedom)


def _places(ranks: Floats, bins: int) -> npt.NDArray[np.int64]:
    return np.minimum((ranks * bins).astype(np.int64), bins - 1)


def _chisquare(base: Counts, night: Counts, *, always_rare: int = 0) -> tuple[float, int]:
    """Pearson's statistic of homogeneity of two histograms, and its degrees of freedom."""
    first, second = pool_rare(base, night, always_rare=always_rare)
    if len(first) < 2:  # noqa: PLR2004 - one bin holds everything
        return 0.0, 0
    total = first + second
    share = second.sum() / total.sum()
    # both cells of a bin deviate alike: (O - E)^2 (1/E + 1/E') with E' the other side's expectation
    deviation = second - share * total
    return float((deviation**2 / (total * share * (1 - share))).sum()), len(first) - 1
