"""Distances of two histograms on the same bins; p is the reference, q the current partition."""

from __future__ import annotations

import numpy as np

from airflow_mlmon.statistics.arrays import Counts, Floats

EMPTY_BIN_ROWS = 0.5
MIN_NORM = 0.001


def psi(reference: Counts, current: Counts) -> float:
    """Compute the population stability index of two histograms on the same bins.

        PSI = sum((q - p) * ln(q / p))

    Bins: `drift.bins`. Smoothing: an empty bin counts as half a row, on either side; shares are not
    renormalised. Range: 0 to infinity, 0 for equal shares; symmetric on given bins. Source: Evidently's
    `psi`, which differs in bins (Sturges over both samples) and in smoothing (a share of 0.0001).

    >>> round(psi(np.array([50, 50]), np.array([25, 75])), 4)
    0.2747
    """
    p, q = _smoothed(reference), _smoothed(current)
    return float(np.sum((q - p) * np.log(q / p)))


def jensenshannon(reference: Counts, current: Counts) -> float:
    """Compute the Jensen-Shannon distance of two histograms on the same bins.

        JS = sqrt((KL(p, m) + KL(q, m)) / 2),  m = (p + q) / 2,  in nats

    Bins: `drift.bins`. Smoothing: none. Range: 0 to sqrt(ln 2) = 0.8326; symmetric on given bins.
    Source: Evidently's `jensenshannon`, that is scipy.spatial.distance.jensenshannon, which differs
    in bins only (Sturges over both samples).

    >>> round(jensenshannon(np.array([1, 0]), np.array([0, 1])), 4)
    0.8326
    """
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    return float(np.sqrt(max((_divergence(p, middle) + _divergence(q, middle)) / 2, 0.0)))


def hellinger(reference: Counts, current: Counts) -> float:
    """Compute the Hellinger distance of two histograms on the same bins.

        H = sqrt(sum((sqrt(p) - sqrt(q)) ** 2) / 2) = sqrt(1 - sum(sqrt(p * q)))

    Bins: `drift.bins`. Smoothing: none. Range: 0 to 1; symmetric on given bins. Source: Evidently's
    `hellinger`, equal for categories; for numbers it differs in bins (Sturges over the distinct values).

    >>> hellinger(np.array([1, 0]), np.array([0, 1]))
    1.0
    """
    p, q = reference / reference.sum(), current / current.sum()
    # the squared differences lose nothing near 0, where 1 - sum(...) would
    return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2))


def kl_div(reference: Counts, current: Counts) -> float:
    """Compute the Kullback-Leibler divergence of the current histogram from the reference.

        KL = sum(p * ln(p / q)),  in nats

    Bins: `drift.bins`. Smoothing: an empty bin counts as half a row, on either side; shares are then
    normalised to 1. Range: 0 to infinity; not symmetric: the reference stands first. Source: Evidently's
    `kl_div`, that is scipy.stats.entropy(p, q), which differs in bins (Sturges over both samples) and
    in smoothing (a share of 0.0001).

    >>> round(kl_div(np.array([50, 50]), np.array([25, 75])), 4)
    0.1438
    """
    p, q = _smoothed(reference), _smoothed(current)
    p, q = p / p.sum(), q / q.sum()
    return float(max(np.sum(p * np.log(p / q)), 0.0))


def tvd(reference: Counts, current: Counts) -> float:
    """Compute the total variation distance of two histograms on the same bins.

        TVD = sum(|p - q|) / 2

    Bins: `drift.bins`. Smoothing: none. Range: 0 to 1, the share of rows that would have to move;
    symmetric on given bins. Source: the statistic of Evidently's `TVD`, for categories; Evidently
    reports its p-value under 1,000 permutations instead.

    >>> tvd(np.array([50, 50]), np.array([25, 75]))
    0.25
    """
    return float(np.sum(np.abs(reference / reference.sum() - current / current.sum())) / 2)


def wasserstein(values: Floats, reference: Counts, current: Counts, *, std: float) -> float:
    """Compute the Wasserstein distance of two histograms on the same ascending values, in units of `std`.

        W = integral |P(x) - Q(x)| dx / max(std, 0.001)

    Bins: each value, or the middle of each cell of the grid. Smoothing: none. Range: 0 to infinity.
    `std` is the standard deviation of the reference (population formula). Source: Evidently's `wasserstein`, with its
    floor.

    >>> wasserstein(np.array([0.0, 1.0]), np.array([1, 1]), np.array([0, 2]), std=0.5)
    1.0
    """
    gaps = np.abs(cumulated(reference) - cumulated(current))[:-1]
    return float(np.sum(gaps * np.diff(values)) / max(std, MIN_NORM))


def cumulated(counts: Counts) -> Floats:
    """Compute the cumulative share of rows up to and including each bin."""
    shares: Floats = np.cumsum(counts) / counts.sum()
    return shares


def _smoothed(counts: Counts) -> Floats:
    shares: Floats = np.maximum(counts, EMPTY_BIN_ROWS) / counts.sum()
    return shares


def _divergence(p: Floats, middle: Floats) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log(p[held] / middle[held])))
