"""The limit of each column: a quantile of the scores that the reference's own nights have.

A night is one draw of the season, the schedule and the weather, so nights differ although nothing is
wrong. Each night of the reference is scored against the sum of the others; what is usual among these
scores is usual for a night.

A vector has two limits, of its norm's score and of its mean shift, and drifts by either. So each is the
quantile that is passed half as often as the one asked for: (1 + quantile) / 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from airflow_mlmon.drift.methods import score
from airflow_mlmon.drift.sampled import P_VALUES, SampledScore
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.spec.methods import Method

MINIMUM_ROWS = 30
_FEWEST_NIGHTS = 2
_SMALLEST_P_VALUE = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit, and what it rests on.

    Attributes:
        limit: The largest score that is still usual.
        nights: How many nights' scores it was taken from.
        quantile: The quantile of these scores that it is.
        mean_shift: The largest mean shift of a vector that is still usual; None of anything else.
    """

    limit: float
    nights: int
    quantile: float
    mean_shift: float | None = None


def usual_limit(
    pairs: Iterable[tuple[ColumnProfile, ColumnProfile]],
    method: Method,
    quantile: float,
    *,
    fewest: int,
) -> Limit | None:
    """What is usual among the scores of some pairs of one column, each the base first.

    A pair counts when both have `MINIMUM_ROWS` finite values; None when fewer than `fewest` pairs count.
    The quantile interpolates between scores, as numpy.quantile does.
    """
    held = [pair for pair in pairs if min(side.observed for side in pair) >= MINIMUM_ROWS]
    scores = [found for pair in held if (found := score(method, *pair)) is not None]
    if len(scores) < fewest:
        return None
    shifts = [shift.value for pair in held if (shift := mean_shift(*pair, MINIMUM_ROWS)) is not None]
    own = (1 + quantile) / 2 if isinstance(held[0][0], VectorProfile) else quantile
    return Limit(
        limit=float(np.quantile(scores, own)),
        nights=len(scores),
        quantile=own,
        mean_shift=float(np.quantile(shifts, own)) if len(shifts) >= fewest else None,
    )


def limits_of_samples(nights: Sequence[Mapping[str, SampledScore]], quantile: float) -> dict[str, Limit]:
    """The limit of each column, from evidently's answers on a sample of each night against one of the others.

    For p-values, where a small one means drift, it is the opposite quantile. A column has no limit
    when fewer than two nights have an answer.
    """
    answers: dict[str, list[SampledScore]] = {}
    for night in nights:
        for column, answer in night.items():
            answers.setdefault(column, []).append(answer)
    limits = {}
    for column, found in answers.items():
        values = [answer.value for answer in found if answer.value is not None]
        if len(values) >= _FEWEST_NIGHTS:
            at = 1 - quantile if found[0].method in P_VALUES else quantile
            limits[column] = Limit(limit=float(np.quantile(values, at)), nights=len(values), quantile=quantile)
    return limits


def is_beyond(method: str, score: float, limit: float) -> bool:
    """Whether the score passes its limit: a distance above it, or a p-value of evidently's below it."""
    return score < limit if method in P_VALUES else score > limit


def in_limits(method: str, score: float, limit: float) -> float:
    """The score divided by its limit; more than 1 is beyond it. For p-values, the ratio of their logarithms.

    >>> in_limits("psi", 0.5, 0.25), in_limits("anderson", 0.0001, 0.01), in_limits("psi", 0.0, 0.0)
    (2.0, 2.0, 0.0)
    """
    if method in P_VALUES:
        score, limit = (-math.log(max(value, _SMALLEST_P_VALUE)) for value in (score, limit))
    if limit > 0:
        return score / limit
    return math.inf if score > 0 else 0.0
