"""Welch's test of two means whose variances may differ."""

from __future__ import annotations

import math

from scipy import special


def welch_p_value(difference: float, variances: tuple[float, float], counts: tuple[int, int]) -> float | None:
    """Apply Welch's two-sided test (Biometrika 34, 1947); None if two unequal means do not vary.

    Args:
        difference: Difference of the means.
        variances: Variance of each mean.
        counts: Values that each is the mean of.

    >>> round(welch_p_value(0.5, (0.04, 0.05), (30, 40)), 4)
    0.1002
    >>> welch_p_value(0.0, (0.0, 0.0), (30, 40)), welch_p_value(0.1, (0.0, 0.0), (30, 40))
    (1.0, None)
    """
    if not (variance := sum(variances)):
        return None if difference else 1.0
    freedom = variance**2 / sum(own**2 / (count - 1) for own, count in zip(variances, counts, strict=True))
    return min(2 * float(special.stdtr(freedom, -abs(difference) / math.sqrt(variance))), 1.0)
