"""Corrections for multiple tests: the level that each p-value has to meet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

from airflow_mlmon.spec.evaluation import Correction


def levels(p_values: Sequence[float], rate: float, correction: Correction) -> list[tuple[float, bool]]:
    """Apply the Holm or the Benjamini-Hochberg correction to p-values.

    `family_wise` bounds the probability of any false alarm (Holm 1979), `false_discovery` the expected share of false
    alarms (Benjamini and Hochberg 1995). Where nothing has changed, both bound the probability of any.

    Returns:
        For each p-value its level, and whether it is significant.

    >>> levels([0.001, 0.04, 0.03], 0.05, Correction.FAMILY_WISE)
    [(0.016666666666666666, True), (0.025, False), (0.025, False)]
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    if correction is Correction.FAMILY_WISE:
        return _holm(p_values, order, rate)
    return _benjamini_hochberg(p_values, order, rate)


def rate_of_look(rate: float, share: float) -> float:
    """Compute the O'Brien-Fleming error rate of an interim look at a share of the rows.

    Early looks must be far stricter, so that however many there are, the probability of any false alarm is at most
    twice the rate, and the last look has all of it: 2 (1 - Phi(z / sqrt(share))) with z the quantile of the rate
    (O'Brien and Fleming 1979; the bound follows from the reflection of Brownian motion).

    >>> [round(rate_of_look(0.05, share), 4) for share in (0.25, 0.5, 0.9, 1.0)]
    [0.0001, 0.0056, 0.0388, 0.05]
    """
    if not 0 < share < 1:
        return rate
    return 2 * float(special.ndtr(special.ndtri(rate / 2) / math.sqrt(share)))


def _holm(p_values: Sequence[float], order: Sequence[int], rate: float) -> list[tuple[float, bool]]:
    found = [(0.0, False)] * len(order)
    remaining = len(order)
    for at in order:
        level = rate / remaining
        is_met = p_values[at] <= level
        found[at] = (level, is_met)
        # all after the first failure meet the same level, so they fail too
        remaining -= is_met
    return found


def _benjamini_hochberg(p_values: Sequence[float], order: Sequence[int], rate: float) -> list[tuple[float, bool]]:
    total = len(order)
    met = max((rank for rank, at in enumerate(order, 1) if p_values[at] <= rate * rank / total), default=0)
    level = rate * max(met, 1) / total
    return [(level, p_value <= level and met > 0) for p_value in p_values]
