"""Exact hypergeometric tails of counts (Fisher's exact test).

Of n rows here and m there, k of all have a property. Under equal rates the number here is hypergeometric.
Tails are logarithms, because they are compared even when too small for a double.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from airflow_mlmon.statistics.arrays import Floats

# standard deviations from the mode, and terms, beyond which the probability is negligible
_FARTHEST = 12
_FEWEST_TERMS = 60


def log_upper_tail(here: int, rows: int, there: int, others: int) -> float:
    """Compute the log probability of at least `here` of `rows`, when `there` of the `others` have the property too.

    >>> round(float(np.exp(log_upper_tail(3, 4, 1, 4))), 4)
    0.2429
    """
    return _log_tail(here, rows, here + there, rows + others)


def log_lower_tail(here: int, rows: int, there: int, others: int) -> float:
    """Compute the log probability of at most `here`, as that of at least as many without the property.

    >>> round(float(np.exp(log_lower_tail(1, 4, 3, 4))), 4)
    0.2429
    """
    return log_upper_tail(rows - here, rows, others - there, others)


def exact_p_value(hits: int, rows: int, others_hits: int, others_rows: int) -> float:
    """Apply Fisher's exact test to two counts, two-sided by twice the smaller tail.

        2 * min(P(X <= hits), P(X >= hits)),  X hypergeometric: rows drawn of all, of which the hits of both count

    at most 1. Exact at any size, hence conservative (Fisher 1935).

    >>> round(exact_p_value(15, 20, 85, 100), 4)
    0.4311
    """
    if not rows or not others_rows:
        return 1.0
    tails = (tail(hits, rows, others_hits, others_rows) for tail in (log_lower_tail, log_upper_tail))
    return min(1.0, 2 * math.exp(min(tails)))


def _log_tail(least: int, rows: int, with_property: int, total: int) -> float:
    without = total - with_property
    if least <= max(0, rows - without):
        return 0.0
    first, last = _terms(least, rows, with_property, total)
    numbers = np.arange(first, last + 1, dtype=np.float64)
    logs = (
        _log_choose(with_property, numbers)
        + _log_choose(without, rows - numbers)
        - _log_choose(total, np.array([float(rows)]))
    )
    return min(_log_of_sum(logs), 0.0)


def _log_of_sum(logs: Floats) -> float:
    """Compute the logarithm of a sum from the logarithms of its terms, as scipy's logsumexp does of finite ones."""
    largest = logs.max()
    is_largest = logs == largest
    many = np.float64(is_largest.sum())
    rest = np.exp(np.where(is_largest, -np.inf, logs) - largest).sum()
    return float(np.log1p(rest / many) + np.log(many) + largest)


def _terms(least: int, rows: int, with_property: int, total: int) -> tuple[int, int]:
    """Return the first and the last term that contribute to a tail: those near its mode.

    The others, nearly all in a partition of millions of rows, sum to less than the precision of a double.
    """
    mean = rows * with_property / total
    width = _FARTHEST * math.sqrt(mean * (1 - with_property / total)) + _FEWEST_TERMS
    most_likely = max(least, round(mean))
    return max(least, math.floor(most_likely - width)), min(rows, with_property, math.ceil(most_likely + width))


def _log_choose(of: int, numbers: np.ndarray) -> np.ndarray:
    chosen: np.ndarray = special.gammaln(of + 1) - special.gammaln(numbers + 1) - special.gammaln(of - numbers + 1)
    return chosen
