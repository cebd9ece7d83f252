"""Counts below edges that are not on the grid, by monotone cubic interpolation.

The cumulative counts are known at the bounds of each cell. Between them they are interpolated by the monotone
cubic of Fritsch and Carlson (SIAM J. Numer. Anal. 17, 1980), with the weighted harmonic mean of the neighbouring
slopes (Butland) as slope at a bound. Exact counts need no interpolation.
"""

from __future__ import annotations

import numpy as np

from airflow_mlmon.profiles.columns.grid import to_bounds
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.arrays import Counts, Floats


def estimate_counts(profile: NumericProfile, edges: Floats) -> Counts:
    """Estimate the counts of finite values in the bins, as numpy.histogram defines them.

    Args:
        profile: Profile of the values.
        edges: Ascending edges; a value on the last one belongs to the last bin.
    """
    deviations = edges - profile.schema.centre
    distribution = profile.distribution
    if distribution.is_exact:
        return _histogram(distribution.values.keys, distribution.values.counts, deviations)
    rest = distribution.without_atoms()
    if profile.min is None or profile.max is None or not len(rest):
        return _histogram(distribution.atoms.keys, distribution.atoms.counts, deviations)
    lower, upper = to_bounds(rest.keys)
    # Nothing lies beyond the extremes, so the outer cells end there.
    lower[0] = max(lower[0], profile.min - profile.schema.centre)
    upper[-1] = min(upper[-1], profile.max - profile.schema.centre)
    cumulated = np.cumsum(rest.counts)
    places, first = np.unique(np.concatenate((lower, upper)), return_index=True)
    heights = np.concatenate((cumulated - rest.counts, cumulated))[first].astype(np.float64)
    below = np.rint(_monotone_cubic(places, heights, np.clip(deviations, places[0], places[-1])))
    counts: Counts = np.diff(below).astype(np.int64)
    return counts + _histogram(distribution.atoms.keys, distribution.atoms.counts, deviations)


def _histogram(keys: Floats, counts: Counts, edges: Floats) -> Counts:
    # Counts are below 2**53, so the doubles of the histogram are exact.
    return np.histogram(keys, edges, weights=counts.astype(np.float64))[0].astype(np.int64)


def _monotone_cubic(places: Floats, heights: Floats, at: Floats) -> Floats:
    """Interpolate ascending places and heights by a monotone cubic.

    >>> places = np.array([0.0, 1.0, 2.0, 4.0])
    >>> _monotone_cubic(places, 3 * places, np.array([0.5, 3.0, 4.0])).tolist()
    [1.5, 9.0, 12.0]
    """
    if len(places) == 1:
        return np.full(len(at), heights[0])
    widths, slopes = np.diff(places), np.diff(heights) / np.diff(places)
    tangents = np.concatenate((slopes[:1], np.zeros(len(places) - 2), slopes[-1:]))
    rising = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] > 0))
    before = widths[rising] + 2 * widths[rising + 1]
    after = 2 * widths[rising] + widths[rising + 1]
    tangents[rising + 1] = (before + after) / (before / slopes[rising] + after / slopes[rising + 1])
    cell = np.clip(np.searchsorted(places, at, side="right") - 1, 0, len(widths) - 1)
    width = widths[cell]
    share = (at - places[cell]) / width
    rest = 1 - share
    curve: Floats = (
        heights[cell] * (1 + 2 * share) * rest**2
        + heights[cell + 1] * (3 - 2 * share) * share**2
        + width * share * rest * (tangents[cell] * rest - tangents[cell + 1] * share)
    )
    return curve
