"""Expected places of marked rows among others in a random order."""

from __future__ import annotations

import numpy as np
from scipy import special

from airflow_mlmon.statistics.arrays import Counts, Floats

# further behind, the first marked row is not looked for
_NEGLIGIBLE = 1e-13


def chance_of_one(sizes: Counts, marked: Counts, first: Counts) -> Floats:
    """Compute the hypergeometric probability that a marked row is among the first.

    >>> chance_of_one(np.array([4, 4]), np.array([1, 4]), np.array([2, 2])).tolist()
    [0.5, 1.0]
    """
    others = sizes - marked
    with np.errstate(invalid="ignore"):
        none = _log_choose(others, first) - _log_choose(sizes, first)
    return np.where(others < first, 1.0, -np.expm1(np.minimum(none, 0.0)))


def expected_reciprocal(sizes: Counts, marked: Counts) -> Floats:
    """Compute the expected 1 / place of the first marked row; 0 without one.

    >>> expected_reciprocal(np.array([2, 3]), np.array([1, 0])).tolist()
    [0.75, 0.0]
    """
    size, among = sizes.astype(float), marked.astype(float)
    left, expected = np.where(among > 0, 1.0, 0.0), np.zeros(len(size))
    for place in range(int(size.max(initial=0))):
        # of the orders without a marked row so far
        chance = np.divide(among, size - place, out=np.ones(len(size)), where=size - place > among)
        expected += left * chance / (place + 1)
        left = left * (1 - chance)
        if float(left.max(initial=0.0)) < _NEGLIGIBLE:
            break
    return expected


def expected_precisions(sizes: Counts, marked: Counts, first: Counts) -> Floats:
    """Compute the expected sum of the precisions at the marked rows among the first, from harmonic numbers.

    The row at place i is marked with probability m / n, and then of the i - 1 before it (m - 1) / (n - 1) are.

    >>> expected_precisions(np.array([2]), np.array([1]), np.array([2])).tolist()
    [0.75]
    """
    harmonic = special.digamma(first + 1.0) - special.digamma(1.0)
    others = (marked - 1) / np.maximum(sizes - 1, 1)
    found: Floats = marked / sizes * (harmonic + others * (first - harmonic))
    return found


def _log_choose(whole: Counts, part: Counts) -> Floats:
    found: Floats = special.gammaln(whole + 1.0) - special.gammaln(part + 1.0) - special.gammaln(whole - part + 1.0)
    return found
