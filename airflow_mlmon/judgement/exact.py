"""Exact tails of counts: how often chance alone deals so many of them to one side.

Of n rows here and m there, k of all have a property. When both sides are alike, the number here is hypergeometric
(Fisher's exact test). Tails come as logarithms, because they are compared long after they are too small for a double.
"""

from __future__ import annotations

import numpy as np
from scipy import special


def log_upper_tail(here: int, rows: int, there: int, others: int) -> float:
    """Log of the chance of at least `here` of `rows`, when `there` of the `others` have the property too.

    >>> round(float(np.exp(log_upper_tail(3, 4, 1, 4))), 4)
    0.2429
    """
    return _log_tail(here, rows, here + there, rows + others)


def log_lower_tail(here: int, rows: int, there: int, others: int) -> float:
    """Log of the chance of at most `here`: of at least as many without the property.

    >>> round(float(np.exp(log_lower_tail(1, 4, 3, 4))), 4)
    0.2429
    """
    return log_upper_tail(rows - here, rows, others - there, others)


def _log_tail(least: int, rows: int, with_property: int, total: int) -> float:
    most = min(rows, with_property)
    if least <= max(0, rows - (total - with_property)):
        return 0.0
    numbers = np.arange(least, most + 1, dtype=np.float64)
    without = total - with_property
    logs = (
        _log_choose(with_property, numbers)
        + _log_choose(without, rows - numbers)
        - _log_choose(total, np.array([float(rows)]))
    )
    return min(float(special.logsumexp(logs)), 0.0)


def _log_choose(of: int, numbers: np.ndarray) -> np.ndarray:
    chosen: np.ndarray = special.gammaln(of + 1) - special.gammaln(numbers + 1) - special.gammaln(of - numbers + 1)
    return chosen
