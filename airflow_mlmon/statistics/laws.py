"""Survival functions of the test statistics that every comparison needs.

scipy.special has all of them, but importing it takes longer than comparing a million rows; the rarely
used ones are left to it.
"""

from __future__ import annotations

import math

_TERMS = range(1, 21)
# Below this the second series of the Kolmogorov distribution needs fewer terms than the first.
_MIDDLE = 0.82


def kolmogorov_survival(x: float) -> float:
    """Compute the Kolmogorov survival function 1 - K(x), the limit of sqrt(n) times the distance.

        2 * sum((-1)**(k - 1) * exp(-2 * k**2 * x**2), k = 1, 2, …)
        1 - sqrt(2 * pi) / x * sum(exp(-((2 * k - 1) * pi / x)**2 / 8), k = 1, 2, …)

    Both series are equal; the first converges faster for large x. Source: Kolmogorov 1933; scipy.special.kolmogorov.

    >>> round(kolmogorov_survival(1.3581), 4)
    0.05
    """
    if x <= 0:
        return 1.0
    if x >= _MIDDLE:
        return 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in _TERMS)
    ratio = math.pi / x
    total = math.fsum(math.exp(-((2 * k - 1) ** 2) * ratio * ratio / 8) for k in _TERMS)
    return 1 - math.sqrt(2 * math.pi) / x * total


def chisquare_survival(freedom: int, x: float) -> float:
    """Compute the chi-square survival function 1 - F(x).

        exp(-y) * sum(y**i / gamma(i + 1), i = 0, 1, …, freedom / 2 - 1)
        erfc(sqrt(y)) + exp(-y) * sum(y**i / gamma(i + 1), i = 1/2, 3/2, …, freedom / 2 - 1)

    with y = x / 2, for even and for odd degrees of freedom. Source: Abramowitz and Stegun 26.4.4
    and 26.4.5; scipy.special.chdtrc.

    >>> round(chisquare_survival(1, 3.8415), 4), round(chisquare_survival(10, 18.307), 4)
    (0.05, 0.05)
    """
    if x <= 0:
        return 1.0
    y = x / 2
    is_odd = freedom % 2
    powers = (i + is_odd / 2 for i in range(freedom // 2))
    terms = (math.exp(power * math.log(y) - y - math.lgamma(power + 1)) for power in powers)
    return min(math.fsum(terms) + (math.erfc(math.sqrt(y)) if is_odd else 0.0), 1.0)


def normal_survival(z: float) -> float:
    """Compute the two-sided p-value of a standard normal statistic.

    >>> round(normal_survival(1.96), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))
