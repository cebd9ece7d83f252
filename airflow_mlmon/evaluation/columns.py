"""Verdicts on the drift of columns, the same on pages, in tables, in metrics and in alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import DRIFT, DRIFTED_COLUMNS, DRIFTED_SHARE

_ORDER = (VerdictState.INSUFFICIENT_DATA, VerdictState.OK, VerdictState.BREACH)


def drift_by_column(verdicts: Iterable[Verdict], segment: str | None = None) -> dict[str, Verdict]:
    """Return the verdict on the drift of each column, of all rows or of a segment; of several, the worst."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.metric == DRIFT and verdict.column is not None and verdict.segment == segment:
            known = found.get(verdict.column)
            if known is None or _ORDER.index(verdict.state) > _ORDER.index(known.state):
                found[verdict.column] = verdict
    return found


def evaluated(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return the columns with enough data for an evaluation."""
    return [column for column, verdict in verdicts.items() if verdict.state is not VerdictState.INSUFFICIENT_DATA]


def drifted(verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return the columns that have drifted."""
    return [column for column, verdict in verdicts.items() if verdict.state is VerdictState.BREACH]


def drifted_metrics(scores: Iterable[MetricValue], verdicts: Iterable[Verdict]) -> list[MetricValue]:
    """Count the drifted columns; without a value if none could be evaluated.

    Args:
        scores: the drift scores of the day.
        verdicts: the verdicts on the drift scores.
    """
    found = drift_by_column(verdicts)
    held, moved = len(evaluated(found)), len(drifted(found))
    rows = max((value.rows for value in scores if value.metric == DRIFT and value.segment is None), default=0)
    count, share = (moved, moved / held) if held else (None, None)
    return [
        MetricValue(metric=DRIFTED_COLUMNS, value=count, rows=rows),
        MetricValue(metric=DRIFTED_SHARE, value=share, rows=rows),
    ]


def evaluate_columns(days: ColumnDays, scores: Sequence[MetricValue], policy: EvaluationPolicy) -> dict[str, Verdict]:
    """Evaluate the drift of columns alone, against the history of their profiles or by sampling error only.

    Args:
        days: the profiles, their baselines and their history.
        scores: the drift score of each column.
        policy: the evaluation policy; with a rate of 0 nothing is evaluated.
    """
    if not policy.rate:
        return {}
    evidence = PartitionEvidence(day=days.day, metrics=scores, past={}, columns=days.columns())
    return drift_by_column(evaluate_day(evidence, policy))


def evaluate_pair(
    day: date, before: Profile, after: Profile, scores: Sequence[MetricValue], policy: EvaluationPolicy
) -> dict[str, Verdict]:
    """Evaluate the drift of columns between two sets of rows, by sampling error only."""
    none: Collection[date] = ()
    baselines = dict.fromkeys(before.columns, (before, none))
    return evaluate_columns(ColumnDays(day=day, now=after, past=(), baselines=baselines), scores, policy)
