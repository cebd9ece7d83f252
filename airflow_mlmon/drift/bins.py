"""Bins for PSI and Jensen-Shannon, defined by the reference alone.

Numbers: ten bins of about equal mass of the reference. Each cut lies between two values (or cells) of the reference,
where the cumulative share is nearest to a tenth. So a value with more than a fifth of the rows has its own bin;
coinciding cuts are merged, which leaves fewer bins. A reference of at most ten distinct values has a bin for each, and
one for all other values.

Categories: a bin for each value of the vocabulary, and one for all new categories.

Bins that are empty on both sides are left out.

Tests of counts do not hold for rare bins: they have one bin for new categories and all bins of the vocabulary with
fewer than five expected rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.distribution import Aligned, align
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.arrays import Counts
from airflow_mlmon.statistics.two_sample import pool_rare

BINS = 10


@dataclass(frozen=True)
class Sides:
    """Profiles of a column on both sides, with their counts aligned once for all methods.

    Attributes:
        reference: The profile of the reference.
        current: The profile of the current partition.
    """

    reference: ColumnProfile
    current: ColumnProfile

    @cached_property
    def aligned(self) -> Aligned | None:
        """Return the rows of both sides per value, or per cell of the grid; None for categories, without order."""
        if isinstance(self.reference, NumericProfile) and isinstance(self.current, NumericProfile):
            return align(self.reference.distribution, self.current.distribution)
        return None

    @cached_property
    def binned(self) -> tuple[Counts, Counts]:
        """Return the rows of both sides per bin.

        Raises:
            ProfileSchemaMismatchError: one side is numeric, and the other a category.
        """
        if self.aligned is not None:
            _, first, second = self.aligned
            places = _places(first)
        else:
            first, second = self._known_and_unseen
            places = np.arange(len(first))
        bins = int(places.max()) + 1
        binned = _gather(places, first, bins), _gather(places, second, bins)
        held = (binned[0] > 0) | (binned[1] > 0)
        return binned[0][held], binned[1][held]

    @cached_property
    def pooled(self) -> tuple[Counts, Counts]:
        """Return the rows of both sides per bin, with rare bins merged.

        New categories count as rare: one that is missing in a small reference by chance is no drift.

        Raises:
            ProfileSchemaMismatchError: one side is numeric, and the other a category.
        """
        if self.aligned is not None:
            return pool_rare(*self.binned)
        return pool_rare(*self._known_and_unseen, always_rare=1)

    @cached_property
    def _known_and_unseen(self) -> tuple[Counts, Counts]:
        if isinstance(self.reference, CategoryProfile) and isinstance(self.current, CategoryProfile):
            return _known_and_unseen(self.reference), _known_and_unseen(self.current)
        raise ProfileSchemaMismatchError(
            f"Column {self.reference.schema.name!r} is numeric on one side and a category on the other."
        )


def _places(reference: Counts) -> npt.NDArray[np.int64]:
    """Return the bin of each of the ascending values, from the counts of the reference."""
    occurring = np.flatnonzero(reference)
    if len(occurring) <= BINS:
        places = np.full(len(reference), len(occurring), dtype=np.int64)
        places[occurring] = np.arange(len(occurring))
        return places
    cumulated = np.cumsum(reference[occurring])
    targets = cumulated[-1] * np.arange(1, BINS) / BINS
    # A cut after the value at `after`, or, where that is nearer, after the value before it.
    after = np.searchsorted(cumulated, targets)
    before = np.maximum(after - 1, 0)
    is_nearer = (after > 0) & (targets - cumulated[before] < cumulated[after] - targets)
    # The mass before the first value is none: the nearest cut to a target may be no cut at all.
    at_start = (after == 0) & (targets < cumulated[0] - targets)
    cuts = np.where(is_nearer, before, after)[~at_start]
    edges = np.unique(occurring[cuts[cuts < len(occurring) - 1]])
    return np.searchsorted(edges, np.arange(len(reference)))


def _known_and_unseen(column: CategoryProfile) -> Counts:
    known = column.known.spread(np.arange(len(column.schema.vocabulary)))
    return np.append(known, column.unseen_rows)


def _gather(places: npt.NDArray[np.int64], counts: Counts, bins: int) -> Counts:
    # Counts are below 2**53, so the doubles of bincount are exact.
    return np.bincount(places, weights=counts, minlength=bins).astype(np.int64)
