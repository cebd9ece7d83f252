"""Confidence intervals (95 %) of the difference of two shares, means or areas under the ROC curve."""

from __future__ import annotations

import math

_Z = 1.959963984540054

Interval = tuple[float, float]


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


def interval_around(difference: float, variance: float) -> Interval:
    """Compute the normal interval of a difference with this variance."""
    width = _Z * math.sqrt(variance)
    return difference - width, difference + width
