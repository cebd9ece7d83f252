"""Drift scores of a column, under evidently's names, from two profiles.

All of them are about the finite values; nulls, NaN and infinities have metrics of their own. p is
the reference, q the current partition; swapping the two may change the score. Exact where both
profiles hold exact counts, on the grid's cells otherwise (see `profiles.grid`).
"""

from __future__ import annotations

import difflib
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from airflow_mlmon.drift.bins import binned_counts
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.column import ColumnProfile
from airflow_mlmon.profiles.distribution import align
from airflow_mlmon.profiles.identifier import IdentifierProfile
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.profiles.numeric import NumericProfile

EMPTY_BIN_ROWS = 0.5
MIN_NORM = 0.001

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Method(StrEnum):
    """A drift score, by evidently's name."""

    PSI = "psi"
    JENSENSHANNON = "jensenshannon"
    WASSERSTEIN = "wasserstein"
    KS = "ks"


def score(method: str, reference: ColumnProfile, current: ColumnProfile) -> float | None:
    """The drift score of a column; None where a side has no value or the method is not for its kind.

    Raises:
        ConfigError: there is no such method.
    """
    chosen = parse_method(method)
    if isinstance(reference, IdentifierProfile) or not reference.observed or not current.observed:
        return None
    if chosen in (Method.PSI, Method.JENSENSHANNON):
        first, second = binned_counts(reference, current)
        return psi(first, second) if chosen is Method.PSI else jensenshannon(first, second)
    if not isinstance(reference, NumericProfile) or not isinstance(current, NumericProfile):
        return None
    keys, first, second = align(reference.distribution, current.distribution)
    if chosen is Method.KS:
        return ks(first, second)
    return wasserstein(keys, first, second, std=reference.std or 0.0)


def parse_method(name: str) -> Method:
    """The method of that name.

    Raises:
        ConfigError: there is no such method.
    """
    try:
        return Method(name)
    except ValueError:
        close = difflib.get_close_matches(name, list(Method), n=1)
        hint = f"did you mean {str(close[0])!r}?" if close else f"valid are {', '.join(Method)}"
        raise ConfigError(f"There is no drift method {name!r}.", hint=hint) from None


def method_for(kind: Kind, method: str) -> Method:
    """The method that a column of that kind is measured with when `method` is asked for.

    Wasserstein and KS need an order, so a category is measured by Jensen-Shannon instead, as
    evidently does by default.

    Raises:
        ConfigError: there is no such method.
    """
    chosen = parse_method(method)
    if kind is Kind.CATEGORY and chosen in (Method.WASSERSTEIN, Method.KS):
        return Method.JENSENSHANNON
    return chosen


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index of two histograms on the same bins.

        PSI = sum((q - p) * ln(q / p))

    Bins: `drift.bins`. Smoothing: an empty bin counts as half a row, on either side; shares are not
    normed again. Range: 0 to infinity, 0 for equal shares; symmetric on given bins. Source: evidently's
    `psi`, which differs in bins (Sturges over both samples) and in smoothing (a share of 0.0001).

    >>> round(psi(np.array([50, 50]), np.array([25, 75])), 4)
    0.2747
    """
    p, q = _smoothed(reference), _smoothed(current)
    return float(np.sum((q - p) * np.log(q / p)))


def jensenshannon(reference: Counts, current: Counts) -> float:
    """Jensen-Shannon distance of two histograms on the same bins.

        JS = sqrt((KL(p, m) + KL(q, m)) / 2),  m = (p + q) / 2,  in nats

    Bins: `drift.bins`. Smoothing: none. Range: 0 to sqrt(ln 2) = 0.8326; symmetric on given bins.
    Source: evidently's `jensenshannon`, that is scipy.spatial.distance.jensenshannon, which differs
    in bins only (Sturges over both samples).

    >>> round(jensenshannon(np.array([1, 0]), np.array([0, 1])), 4)
    0.8326
    """
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    return float(np.sqrt(max((_divergence(p, middle) + _divergence(q, middle)) / 2, 0.0)))


def ks(reference: Counts, current: Counts) -> float:
    """Kolmogorov-Smirnov statistic of two histograms on the same ascending values.

        KS = max |P(x) - Q(x)|  over all x, with P and Q the cumulated shares

    Bins: each value, or each cell of the grid. Smoothing: none. Range: 0 to 1; symmetric. Source: the
    statistic of scipy.stats.ks_2samp; evidently's `ks` reports its p-value instead.

    >>> ks(np.array([1, 1, 0]), np.array([0, 1, 1]))
    0.5
    """
    return float(np.max(np.abs(_cumulated(reference) - _cumulated(current))))


def wasserstein(values: Floats, reference: Counts, current: Counts, *, std: float) -> float:
    """Wasserstein distance of two histograms on the same ascending values, in units of `std`.

        W = integral |P(x) - Q(x)| dx / max(std, 0.001)

    Bins: each value, or the middle of each cell of the grid. Smoothing: none. Range: 0 to infinity.
    `std` is the reference's, divided by n. Source: evidently's `wasserstein`, with its floor.

    >>> wasserstein(np.array([0.0, 1.0]), np.array([1, 1]), np.array([0, 2]), std=0.5)
    1.0
    """
    gaps = np.abs(_cumulated(reference) - _cumulated(current))[:-1]
    return float(np.sum(gaps * np.diff(values)) / max(std, MIN_NORM))


def _smoothed(counts: Counts) -> Floats:
    shares: Floats = np.maximum(counts, EMPTY_BIN_ROWS) / counts.sum()
    return shares


def _divergence(p: Floats, middle: Floats) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log(p[held] / middle[held])))


def _cumulated(counts: Counts) -> Floats:
    shares: Floats = np.cumsum(counts) / counts.sum()
    return shares
