"""Multivariate drift: joint drift of all features, also if each alone has not drifted.

The score is the ROC AUC of a classifier that separates a partition's rows from the reference's (`domain_classifier`):
0.5 without drift, 1 if the rows are separable. Swapped or decorrelated columns, which no score of single columns
detects, raise it. It is evaluated against the scores of past days and of the reference's own days, each against rows
of the others; all use samples of the same sizes, because the score depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_mlmon.records import MetricValue, MultivariateDetail
from airflow_mlmon.spec.metrics import MULTIVARIATE

# with fewer rows on a side the score is too noisy
FEWEST_ROWS = 50
# more rows make it slower and hardly more precise
MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScore:
    """Score of the domain classifier.

    Attributes:
        value: The ROC AUC; None if there is none.
        rows_reference: Rows of the reference in the sample.
        rows_current: Rows of the partition in the sample.
        strongest: The most important columns, each with its permutation importance.
        left_out: Columns left out, each with the reason.
        problem: The reason for a missing value.
    """

    value: float | None
    rows_reference: int
    rows_current: int
    strongest: tuple[tuple[str, float], ...] = ()
    left_out: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSizes:
    """Sample sizes of the domain classifier.

    Attributes:
        rows_reference: Maximum of rows of the reference.
        rows_current: Maximum of rows of a partition.
        fewest_current: Minimum of rows of a partition, below which the score is withheld.
    """

    rows_reference: int
    rows_current: int
    fewest_current: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MultivariateDrift:
    """Drift score of all features of a partition together; `note` names missing data.

    One that `is_withheld` is not comparable with others and is not evaluated.
    """

    score: float | None
    rows_reference: int
    rows_current: int
    strongest: tuple[tuple[str, float], ...] = ()
    note: str = ""
    is_withheld: bool = False


def to_multivariate(score: DomainScore, sizes: SampleSizes) -> MultivariateDrift:
    """Return the score as the drift of all features together.

    The score of a partition with less than half of the sample size is withheld: it is less precise than those it would
    be evaluated against.
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
        yield f"the partition has {score.rows_current} rows, fewer than half of the {sizes.rows_current} of other days"


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
