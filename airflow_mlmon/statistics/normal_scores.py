"""Normal scores: the normal quantiles of mid-ranks (van der Waerden), whatever the distribution of the values."""

from __future__ import annotations

import numpy as np
from scipy import special

from airflow_mlmon.statistics.arrays import Floats


def normal_scores(values: Floats) -> Floats:
    """Return the normal score of each value, of mean 0 and variance 1; 0 where it is NaN, or if all are equal.

    >>> normal_scores(np.array([5.0, 1.0, np.nan, 1e9])).round(3).tolist()
    [0.0, -1.225, 0.0, 1.225]
    """
    scores = np.zeros(len(values))
    is_known = ~np.isnan(values)
    known = values[is_known]
    if not known.size:
        return scores
    _, places, counts = np.unique(known, return_inverse=True, return_counts=True)
    quantiles = special.ndtri((np.cumsum(counts) - counts / 2) / known.size)
    found = quantiles[places]
    found -= found.mean()
    deviation = float(found.std())
    scores[is_known] = found / deviation if deviation > 0 else 0.0
    return scores
