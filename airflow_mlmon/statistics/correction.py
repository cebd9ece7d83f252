"""Corrections for multiple tests: the level that each p-value has to meet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from airflow_mlmon.spec.choices import Correction


def levels(p_values: Sequence[float], rate: float, correction: Correction) -> list[tuple[float, bool]]:
    """Apply the Holm or the Benjamini-Hochberg correction to p-values.

    `family_wise` bounds the probability of any false alarm (Holm 1979), `false_discovery` the expected share of false
    alarms (Benjamini and Hochberg 1995). Where nothing has changed, both bound the probability of any.

    Returns:
        For each p-value its level, and whether it is significant.

    >>> levels([0.001, 0.04, 0.03], 0.05, Correction.FAMILY_WISE)
    [(0.016666666666666666, True), (0.025, False), (0.025, False)]
    """
    if correction is Correction.FAMILY_WISE:
        return _levels_of_holm(p_values, rate)
    return _levels_of_benjamini_hochberg(p_values, rate)


def adjust(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values by the Holm step-down correction; None, where no test was made, stays None.

    An adjusted p-value is at most the rate where the p-value meets its level, so families are bounded together.

    >>> adjust([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested = sorted((p_value, place) for place, p_value in enumerate(p_values) if p_value is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p_value, place) in enumerate(tested):
        largest = max(largest, min(1.0, p_value * (len(tested) - rank)))
        adjusted[place] = largest
    return adjusted


def compute_look_rate(rate: float, share: float) -> float:
    """Compute the O'Brien-Fleming error rate of an interim look at a share of the rows.

    Early looks must be far stricter, so that however many there are, the probability of any false alarm is at most
    twice the rate, and the last look has all of it: 2 (1 - Phi(z / sqrt(share))) with z the quantile of the rate
    (O'Brien and Fleming 1979; the bound follows from the reflection of Brownian motion).

    >>> [round(compute_look_rate(0.05, share), 4) for share in (0.25, 0.5, 0.9, 1.0)]
    [0.0001, 0.0056, 0.0388, 0.05]
    """
    if not 0 < share < 1:
        return rate
    from scipy import special  # noqa: PLC0415 - slow to import

    return 2 * float(special.ndtr(special.ndtri(rate / 2) / math.sqrt(share)))


def _levels_of_holm(p_values: Sequence[float], rate: float) -> list[tuple[float, bool]]:
    is_met = [adjusted is not None and adjusted <= rate for adjusted in adjust(p_values)]
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    # all after the first failure meet the same level, so they fail too
    met = sum(is_met)
    ranks = {at: min(rank, met) for rank, at in enumerate(order)}
    return [(rate / (len(order) - ranks[at]), is_met[at]) for at in range(len(order))]


def _levels_of_benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[tuple[float, bool]]:
    total = len(p_values)
    met = max((rank for rank, p_value in enumerate(sorted(p_values), 1) if p_value <= rate * rank / total), default=0)
    level = rate * max(met, 1) / max(total, 1)
    return [(level, p_value <= level and met > 0) for p_value in p_values]
