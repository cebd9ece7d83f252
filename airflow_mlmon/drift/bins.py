"""The bins that PSI and Jensen-Shannon compare two profiles on; the reference alone sets them.

Numbers: ten bins of about equal mass of the reference. Each cut lies between two values (or cells)
of the reference, the one whose cumulated share is nearest to a tenth, so a value that holds more
than a fifth of the rows has a bin of its own; cuts that coincide are one, which leaves fewer bins.
A reference of at most ten distinct values has a bin for each, and one for all other values.

Categories: a bin for each value of the vocabulary, and one for all unseen values.

Bins that are empty on both sides are left out.

The tests of counts, whose laws do not hold for rare bins, have one bin for all unseen values and
all bins of the vocabulary that expect fewer than five rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from airflow_mlmon.drift.significance import pool_rare
from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles.category import CategoryProfile
from airflow_mlmon.profiles.column import ColumnProfile
from airflow_mlmon.profiles.distribution import align
from airflow_mlmon.profiles.numeric import NumericProfile

BINS = 10

Counts = npt.NDArray[np.int64]


def binned_counts(reference: ColumnProfile, current: ColumnProfile) -> tuple[Counts, Counts]:
    """The rows of both sides per bin."""
    if isinstance(reference, NumericProfile) and isinstance(current, NumericProfile):
        _, first, second = align(reference.distribution, current.distribution)
        places = _places(first)
    elif isinstance(reference, CategoryProfile) and isinstance(current, CategoryProfile):
        first, second = _known_and_unseen(reference), _known_and_unseen(current)
        places = np.arange(len(first))
    else:
        raise LayoutMismatchError(
            f"Column {reference.layout.name!r} is numeric on one side and a category on the other."
        )
    bins = int(places.max()) + 1
    binned = _gather(places, first, bins), _gather(places, second, bins)
    held = (binned[0] > 0) | (binned[1] > 0)
    return binned[0][held], binned[1][held]


def pooled_counts(reference: ColumnProfile, current: ColumnProfile) -> tuple[Counts, Counts]:
    """The rows of both sides per bin, with rare bins as one.

    Unseen values are rare ones: a value too rare for the reference to hold it is no news of its own.
    """
    if not isinstance(reference, CategoryProfile) or not isinstance(current, CategoryProfile):
        return pool_rare(*binned_counts(reference, current))
    return pool_rare(_known_and_unseen(reference), _known_and_unseen(current), always_rare=1)


def _places(reference: Counts) -> npt.NDArray[np.int64]:
    """The bin of each of the ascending values, from the reference's counts of them."""
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
    known = column.known.spread(np.arange(len(column.layout.vocabulary)))
    return np.append(known, column.unseen_rows)


def _gather(places: npt.NDArray[np.int64], counts: Counts, bins: int) -> Counts:
    # Counts are below 2**53, so the doubles of bincount are exact.
    return np.bincount(places, weights=counts, minlength=bins).astype(np.int64)
