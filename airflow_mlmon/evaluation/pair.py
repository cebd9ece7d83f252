"""Decision on drift between two data sets without a history.

Both conditions are required: the difference is significant (a two-sample test whose p-value is corrected over all
tests of the comparison by Holm's method), and it is large enough (an effect size of at least a limit). Significance
alone would flag negligible differences of many rows, the effect size alone random ones of few rows. Null rates are
tested separately. So is the mean of a vector, beside its norm (`drift.shift`), with a limit of 0.2 standard
deviations.

The variation from day to day is not known here: it needs the history of a monitored model, see `evaluation.evaluate`.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.drift.methods import measure_all, method_for
from airflow_mlmon.drift.sampled import P_VALUES, SampledScore
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.statistics.two_sample import Score

ALPHA = 0.05
EMPTY_LIMIT = 0.05
SHIFT_LIMIT = 0.2
DEFAULT_METHOD = Method.PSI
COMPANIONS = {Kind.NUMERIC: Method.KS, Kind.CATEGORY: Method.CHISQUARE, Kind.VECTOR: Method.KS}
LIMITS = {
    Method.PSI: 0.1,
    Method.JENSENSHANNON: 0.1,
    Method.HELLINGER: 0.1,
    Method.KL_DIV: 0.1,
    Method.TVD: 0.1,
    Method.WASSERSTEIN: 0.1,
    Method.KS: 0.1,
    Method.CRAMER_VON_MISES: 0.05,
    Method.T_TEST: 0.2,
    Method.CHISQUARE: 0.1,
    Method.G_TEST: 0.1,
    Method.Z: 0.05,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedScore:
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


def is_rare(p_value: float | None) -> bool:
    """Return True if a corrected p-value is significant."""
    return p_value is not None and p_value <= ALPHA


def score_column(
    method: str, reference: ColumnProfile, current: ColumnProfile, *, limit: float | None, answer: SampledScore | None
) -> TestedScore | None:
    """Score a column; None if the method cannot be computed, as for identifiers, or for vectors by a method on rows.

    A distance has the p-value of its companion test: Kolmogorov-Smirnov for numbers, chi-square for categories. A
    p-value by Evidently has the effect size of that test, and its limit.
    """
    chosen = method_for(reference.schema.kind, method)
    if reference.schema.kind is Kind.IDENTIFIER or (chosen.is_sampled and answer is None):
        return None
    companion = COMPANIONS[reference.schema.kind]
    asked = (companion, chosen) if answer is None else (companion,)
    beside, *own_score = measure_all(asked, reference, current)
    score = own_score[0] if answer is None else _from_answer(answer, beside)
    tested = beside if score is None or score.p_value is None else score
    if score is None or tested is None or tested.p_value is None:
        return None
    own = LIMITS.get(chosen) or (answer.threshold if answer and chosen not in P_VALUES else None)
    return TestedScore(
        method=chosen,
        score=score.value,
        effect=score.effect,
        limit=limit or own or LIMITS[companion],
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
