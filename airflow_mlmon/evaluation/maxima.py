"""Law of the largest of several numbers of a day, from those of past days.

Each number is compared with its own mean of past days, in standard deviations that leave the day itself out
(externally studentised), so that a past day and the evaluated one are alike. The largest of a day then follows an
exponential law above the mean of the past largest ones (Lomax 1954), however heavy the tails of the single numbers are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Floats

# days from which on the largest ones have a law
FEWEST_FOR_LAW = 7
_STEADIEST = 0.3


def beyond_past(past: Floats, now: Floats, least: Floats, groups: npt.NDArray[np.int64], group: int) -> float:
    """Return the probability that the largest distance of a day from the expected numbers is as large as today's.

    Args:
        past: A row of numbers for each past day.
        now: The numbers of the day.
        least: The smallest variance of each, that of sampling.
        groups: The group of each past day, such as its weekday; days are compared within groups.
        group: The group of the day.
    """
    sizes = np.bincount(groups, minlength=group + 1)
    freedom = len(past) - np.count_nonzero(sizes)
    means = np.array([past[groups == one].mean(axis=0) if size else now for one, size in enumerate(sizes.tolist())])
    residuals = past - means[groups]
    variance = np.maximum((residuals**2).sum(axis=0) / freedom, least)
    leverage = 1 / sizes[groups]
    own = residuals**2 / variance / np.maximum(1 - leverage, 1 / len(past))[:, np.newaxis]
    left_out = own * (freedom - 1) / np.maximum(freedom - own, 1.0)
    largest = np.sqrt(left_out.max(axis=1))
    distance = np.sqrt(float(((now - means[group]) ** 2 / variance).max()) / (1 + 1 / max(int(sizes[group]), 1)))
    deviation = max(float(np.std(largest, ddof=1)), _STEADIEST)
    z = (distance - float(largest.mean())) / deviation
    days = len(past) - 1
    return float((1 + max(z + 1, 0.0) / days) ** -days)
