"""Confidence intervals (95 %) of one share, mean, ratio or area under the ROC curve, and of the difference of two.

An interval of one value is None where the rows say nothing of how it varies.
"""

from __future__ import annotations

import math

import numpy as np

from airflow_mlmon.statistics.arrays import Counts

_Z = 1.959963984540054
# values that say how they vary
_FEWEST = 2

Interval = tuple[float, float]


def wilson_interval(hits: int, rows: int) -> Interval | None:
    """Compute the Wilson interval of one share (Journal of the American Statistical Association 22, 1927).

    >>> [round(end, 3) for end in wilson_interval(0, 100)], [round(end, 3) for end in wilson_interval(60, 100)]
    ([0.0, 0.037], [0.502, 0.691])
    >>> wilson_interval(0, 0)
    """
    if not rows:
        return None
    share, square = hits / rows, _Z**2 / rows
    middle = (share + square / 2) / (1 + square)
    width = _Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows)) / (1 + square)
    # the ends are exact where no row or every row counts, which rounding would miss
    return (middle - width if hits else 0.0), (middle + width if hits < rows else 1.0)


def f1_interval(hits: int, false_alarms: int, misses: int) -> Interval | None:
    """Compute the interval of F1 from Wilson's of the Jaccard index, of which it is a rising function.

    J = hits / (hits + false alarms + misses) is a share of these rows, and F1 = 2 J / (1 + J).

    >>> [round(end, 3) for end in f1_interval(60, 20, 20)]
    [0.668, 0.817]
    >>> f1_interval(0, 0, 0)
    """
    jaccard = wilson_interval(hits, hits + false_alarms + misses)
    return jaccard and (2 * jaccard[0] / (1 + jaccard[0]), 2 * jaccard[1] / (1 + jaccard[1]))


def mean_interval_of_sums(rows: int, total: float, squares: float) -> Interval | None:
    """Compute the normal interval of one mean from the sum of the values and of their squares.

    There is none of fewer than two values, nor of equal ones.

    >>> [round(end, 3) for end in mean_interval_of_sums(4, 10, 30)]
    [1.235, 3.765]
    >>> mean_interval_of_sums(4, 8, 16)
    """
    # whole numbers, in units of their own, stay exact until they are divided
    spread = rows * squares - total * total
    if rows < _FEWEST or spread <= 0:
        return None
    return interval_around(total / rows, spread / (rows * rows * (rows - 1)))


def quantile_interval(share: float, rows: int) -> Interval | None:
    """Compute the interval of one quantile by order statistics: the shares of the rows at whose quantiles it ends.

    Free of any distribution; by the normal limit of the binomial. There is none of too few rows, whose extremes it
    would pass.

    >>> [round(end, 3) for end in quantile_interval(0.95, 1000)], quantile_interval(0.99, 100)
    ([0.936, 0.964], None)
    """
    if not rows:
        return None
    low, high = interval_around(share, share * (1 - share) / rows)
    return (low, high) if low > 0 and high < 1 else None


def auc_interval(auc: float, variance: float) -> Interval | None:
    """Compute the interval of one area under the ROC curve on the logit scale, from its variance.

    The variance is DeLong's (`delong_variance`) where the scores are known, else that of Hanley and McNeil, which is
    too wide for classes of different sizes. There is no interval at 0 or 1, where both are 0.

    >>> [round(end, 3) for end in auc_interval(0.8, auc_variance(0.8, 50, 50))], auc_interval(1.0, 0.0)
    ([0.699, 0.873], None)
    >>> [round(end, 3) for end in auc_interval(1 - 1e-12, 1e-15)]
    [0.0, 1.0]
    """
    if not 0 < auc < 1 or variance <= 0:
        return None
    low, high = interval_around(math.log(auc / (1 - auc)), variance / (auc * (1 - auc)) ** 2)
    # an end farther out is 0 all the same, and its exponential would overflow
    return 1 / (1 + math.exp(min(-low, 700))), 1 / (1 + math.exp(min(-high, 700)))


def positive_interval(value: float, variance: float) -> Interval | None:
    """Compute the delta-method interval of a positive value on the log scale, from its variance.

    >>> [round(end, 2) for end in positive_interval(10.0, 4.0)]
    [6.76, 14.8]
    """
    if value <= 0 or variance <= 0:
        return None
    width = _Z * math.sqrt(variance) / value
    return value * math.exp(-width), value * math.exp(width)


def share_ratio_interval(hits: int, rows: int, hits_other: int, rows_other: int) -> Interval | None:
    """Compute the Katz log interval of the ratio of two independent shares (Biometrics 34, 1978).

    >>> [round(end, 3) for end in share_ratio_interval(30, 100, 20, 100)]
    [0.916, 2.456]
    """
    if not (hits and hits_other):
        return None
    ratio = (hits / rows) / (hits_other / rows_other)
    return positive_interval(ratio, ratio**2 * (1 / hits - 1 / rows + 1 / hits_other - 1 / rows_other))


def share_interval(hits: int, rows: int, hits_after: int, rows_after: int) -> Interval:
    """Compute the Agresti-Caffo interval of the difference of two shares (The American Statistician 54, 2000).

    It adds one success and one failure to each side.

    >>> [round(end, 3) for end in share_interval(50, 100, 60, 100)]
    [-0.038, 0.234]
    """
    before, after = (hits + 1) / (rows + 2), (hits_after + 1) / (rows_after + 2)
    return interval_around(after - before, before * (1 - before) / (rows + 2) + after * (1 - after) / (rows_after + 2))


def mean_interval(mean: float, std: float, rows: int, after: tuple[float, float, int]) -> Interval:
    """Compute Welch's interval of the difference of two means, with normal quantiles.

    >>> [round(end, 3) for end in mean_interval(0.0, 1.0, 100, (0.5, 1.0, 100))]
    [0.223, 0.777]
    """
    return interval_around(after[0] - mean, std**2 / rows + after[1] ** 2 / after[2])


def auc_variance(auc: float, cases: int, controls: int) -> float:
    """Compute the Hanley-McNeil variance of an area under the ROC curve (Radiology 143, 1982).

    >>> round(auc_variance(0.8, 50, 50), 5)
    0.00198
    """
    of_cases = auc / (2 - auc) - auc**2
    of_controls = 2 * auc**2 / (1 + auc) - auc**2
    return (auc * (1 - auc) + (cases - 1) * of_cases + (controls - 1) * of_controls) / (cases * controls)


def delong_variance(cases: Counts, controls: Counts) -> float | None:
    """Compute the DeLong variance of an area under the ROC curve (Biometrics 44, 1988), from counts by score.

    There is none with fewer than two cases or controls.

    Args:
        cases: How many cases have each score, in the order of the scores.
        controls: How many controls have each of the same scores.

    >>> cases, controls = np.array([1, 2, 3, 4]), np.array([4, 3, 2, 1])
    >>> round(delong_variance(cases, controls), 5), delong_variance(cases, np.array([1, 0, 0, 0]))
    (0.01222, None)
    """
    sizes = int(cases.sum()), int(controls.sum())
    if min(sizes) < _FEWEST:
        return None
    of_cases = (np.cumsum(controls) - controls / 2) / sizes[1]
    of_controls = (np.cumsum(cases) - cases / 2) / sizes[0]
    return sum(
        float(np.sum(counts * (placed - np.sum(counts * placed) / size) ** 2)) / (size * (size - 1))
        for counts, placed, size in ((cases, of_cases, sizes[0]), (controls, of_controls, sizes[1]))
    )


def interval_around(difference: float, variance: float) -> Interval:
    """Compute the normal interval of a difference with this variance."""
    width = _Z * math.sqrt(variance)
    return difference - width, difference + width


def standard_error(low: float, high: float) -> float:
    """Return the standard error that a normal interval was made of.

    >>> round(standard_error(*interval_around(0.5, 0.04)), 3)
    0.2
    """
    return (high - low) / (2 * _Z)


def share_around(share: float, variance: float) -> Interval:
    """Compute the normal interval of an estimated share or area with this variance, between 0 and 1."""
    low, high = interval_around(share, variance)
    return max(low, 0.0), min(high, 1.0)
