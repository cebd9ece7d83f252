"""Multivariate drift: whether the columns moved together though each of them stayed.

The score is how well a classifier tells a partition's rows from the reference's (`domain_classifier`):
0.5 is chance, 1 is certainty. Swapped or decorrelated columns, which no score of single columns can
see, raise it. Its limit, like that of a column, is a quantile of the scores that the reference's own
nights have, each against rows of the others; both are taken on samples of the same sizes, because the
score depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from airflow_mlmon.drift.compare import DriftState
from airflow_mlmon.records import MetricValue

# with fewer rows on a side the score is noise
MINIMUM_ROWS = 50
# more rows make it slower and hardly surer
MAX_ROWS = 1_000
_FEWEST_NIGHTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScore:
    """What the classifier found.

    Attributes:
        value: The ROC AUC; None where there is none.
        rows_reference: Rows of the reference that it saw.
        rows_current: Rows of the partition that it saw.
        strongest: The columns that it leaned on most, each with what the ROC AUC loses without it.
        left_out: Columns that it did not see, each with the reason.
        problem: Why there is no value.
    """

    value: float | None
    rows_reference: int
    rows_current: int
    strongest: tuple[tuple[str, float], ...] = ()
    left_out: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainLimit:
    """The largest score that is usual of a night, and what it rests on.

    Attributes:
        limit: The limit; None where there is none.
        nights: How many nights' scores it was taken from.
        quantile: The quantile of these scores that it is.
        rows_reference: Most rows of the reference in each of them.
        rows_current: Most rows of the night in each of them.
    """

    limit: float | None
    nights: int
    quantile: float
    rows_reference: int
    rows_current: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MultivariateDrift:
    """The verdict on all features of a partition together; `note` says what is missing."""

    score: float | None
    limit: float | None
    nights: int
    state: DriftState
    rows_reference: int
    rows_current: int
    strongest: tuple[tuple[str, float], ...] = ()
    note: str = ""


def limit_of_nights(scores: Sequence[DomainScore], quantile: float, rows: tuple[int, int]) -> DomainLimit:
    """The quantile of the nights' scores, where at least two nights have one.

    Args:
        scores: what was found of each night against the others.
        quantile: which quantile of them the limit is.
        rows: the most rows of the reference and of a night that were looked at.
    """
    values = [score.value for score in scores if score.value is not None]
    return DomainLimit(
        limit=float(np.quantile(values, quantile)) if len(values) >= _FEWEST_NIGHTS else None,
        nights=len(values),
        quantile=quantile,
        rows_reference=rows[0],
        rows_current=rows[1],
    )


def judge_together(score: DomainScore, limit: DomainLimit) -> MultivariateDrift:
    """The score beside its limit.

    A partition of less than half the rows that the limit is of has no verdict: fewer rows make the
    score less sure, and a limit of surer ones would be passed by chance.
    """
    notes = [*_shortages(score, limit), *(f"left out: {reason}" for reason in score.left_out)]
    found = MultivariateDrift(
        score=score.value,
        limit=limit.limit,
        nights=limit.nights,
        state=DriftState.INSUFFICIENT_DATA,
        rows_reference=score.rows_reference,
        rows_current=score.rows_current,
        strongest=score.strongest,
        note="; ".join(notes),
    )
    if any(_shortages(score, limit)) or score.value is None or limit.limit is None:
        return found
    return replace(found, state=DriftState.BEYOND if score.value > limit.limit else DriftState.WITHIN)


def _shortages(score: DomainScore, limit: DomainLimit) -> Iterator[str]:
    if score.problem:
        yield score.problem
    elif limit.limit is None:
        yield f"no limit: fewer than {_FEWEST_NIGHTS} nights of the reference have {MINIMUM_ROWS} rows"
    elif score.rows_current < limit.rows_current / 2:
        yield f"the partition has {score.rows_current} rows, and the limit is of nights with {limit.rows_current}"


def together_metric(drift: MultivariateDrift) -> MetricValue:
    """The score as a metric, with its limit and the strongest columns in the detail."""
    return MetricValue(
        metric="multivariate_drift",
        value=drift.score,
        rows=drift.rows_current,
        detail={
            "limit": drift.limit,
            "nights": drift.nights,
            "state": drift.state,
            "strongest": dict(drift.strongest),
            "note": drift.note,
        },
    )
