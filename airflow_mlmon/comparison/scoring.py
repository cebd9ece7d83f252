"""Score, p-value and effect size of one column, by a method on profiles or on rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_mlmon.comparison import verdict
from airflow_mlmon.comparison.dataset import Dataset
from airflow_mlmon.drift.methods import measure_all, method_for, sampled_methods
from airflow_mlmon.drift.sampled import P_VALUES, SampledScore
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.statistics.two_sample import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Score of one column with its p-value and effect size.

    Attributes:
        method: The method of the score.
        score: The distance, or the statistic of the test; of a method on rows, its p-value.
        effect: The effect size, compared with the limit.
        limit: The smallest effect that counts as drift.
        test: The test of the p-value.
        p_value: The p-value before correction.
        note: A remark on the score.
    """

    method: Method
    score: float
    effect: float
    limit: float
    test: Method
    p_value: float
    note: str = ""


def ask_evidently(reference: Dataset, current: Dataset, method: str) -> Mapping[str, SampledScore]:
    """Compute the scores by Evidently on the samples of both sides, if the method needs rows.

    Raises:
        ConfigError: the reference is a profile, which contains no rows.
    """
    asked = sampled_methods(reference.layout.columns, method, {})
    if not asked:
        return {}
    if reference.sample is None or current.sample is None:
        raise ConfigError(
            f"The drift method {method!r} needs rows.", hint="give the rows of the reference instead of its profile"
        )
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    return score_samples(reference.sample, current.sample, asked)


def score_column(
    method: str, reference: ColumnProfile, current: ColumnProfile, *, limit: float | None, answer: SampledScore | None
) -> Measured | None:
    """Score a column; None if the method cannot be computed, as for identifiers, or for vectors by a method on rows.

    A distance has the p-value of its companion test: Kolmogorov-Smirnov for numbers, chi-square for categories. A
    p-value by Evidently has the effect size of that test, and its limit.
    """
    chosen = method_for(reference.layout.kind, method)
    if reference.layout.kind is Kind.IDENTIFIER or (chosen.is_sampled and answer is None):
        return None
    companion = verdict.COMPANIONS[reference.layout.kind]
    asked = (companion, chosen) if answer is None else (companion,)
    beside, *own_score = measure_all(asked, reference, current)
    score = own_score[0] if answer is None else _from_answer(answer, beside)
    tested = beside if score is None or score.p_value is None else score
    if score is None or tested is None or tested.p_value is None:
        return None
    own = verdict.LIMITS.get(chosen) or (answer.threshold if answer and chosen not in P_VALUES else None)
    return Measured(
        method=chosen,
        score=score.value,
        effect=score.effect,
        limit=limit or own or verdict.LIMITS[companion],
        test=companion if score.p_value is None else chosen,
        p_value=tested.p_value,
        note=answer.note if answer else "",
    )


def _from_answer(answer: SampledScore, beside: Score | None) -> Score | None:
    if answer.value is None or beside is None:
        return None
    if answer.method in P_VALUES:
        return Score(value=answer.value, p_value=answer.value, effect=beside.effect)
    return Score(value=answer.value, p_value=None, effect=answer.value)
