"""Multivariate drift: whether the columns moved together though each of them stayed.

The score is how well a classifier tells a partition's rows from the reference's (`domain_classifier`):
0.5 is chance, 1 is certainty. Swapped or decorrelated columns, which no score of single columns can
see, raise it. It is evaluated beside the scores of past days and of the reference's own, each against
rows of the others; all are taken on samples of the same sizes, because the score depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_mlmon.records import MetricValue, MultivariateDetail
from airflow_mlmon.spec.metrics import MULTIVARIATE

# with fewer rows on a side the score is noise
FEWEST_ROWS = 50
# more rows make it slower and hardly surer
MAX_ROWS = 1_000


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
class SampleSizes:
    """The rows that the classifier sees.

    Attributes:
        rows_reference: At most so many of the reference.
        rows_current: At most so many of a partition.
        fewest_current: The score of a partition of fewer rows is withheld.
    """

    rows_reference: int
    rows_current: int
    fewest_current: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MultivariateDrift:
    """The score of all features of a partition together; `note` says what is missing.

    One that `is_withheld` compares what cannot be compared, and is not evaluated.
    """

    score: float | None
    rows_reference: int
    rows_current: int
    strongest: tuple[tuple[str, float], ...] = ()
    note: str = ""
    is_withheld: bool = False


def to_multivariate(score: DomainScore, sizes: SampleSizes) -> MultivariateDrift:
    """Return the score as the drift of all features together.

    That of a partition of less than half the rows of others is withheld: fewer rows make the score less sure, and what
    surer ones vary by would be passed by chance.
    """
    shortages = list(_shortages(score, sizes))
    notes = [*shortages, *(f"left out: {reason}" for reason in score.left_out)]
    return MultivariateDrift(
        score=score.value,
        rows_reference=score.rows_reference,
        rows_current=score.rows_current,
        strongest=score.strongest,
        note="; ".join(notes),
        is_withheld=bool(shortages),
    )


def _shortages(score: DomainScore, sizes: SampleSizes) -> Iterator[str]:
    if score.problem:
        yield score.problem
    elif score.rows_current < sizes.fewest_current:
        yield f"the partition has {score.rows_current} rows, fewer than half of the {sizes.rows_current} of others"


def multivariate_metric(drift: MultivariateDrift) -> MetricValue:
    """Return the score as a metric, with the strongest columns."""
    return MetricValue(
        metric=MULTIVARIATE,
        value=drift.score,
        rows=drift.rows_current,
        withheld=drift.note if drift.is_withheld else "",
        reason=drift.note if drift.score is None else "",
        multivariate=MultivariateDetail(
            rows_reference=drift.rows_reference, strongest=drift.strongest, note=drift.note
        ),
    )
