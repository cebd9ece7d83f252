"""Rates of a group of rows of a binary classifier."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.outputs import summarise_outputs
from airflow_mlmon.tasks.binary.table import PREDICTED_POSITIVE_RATE
from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.rates import GroupRate


def selection_rates(part: Profile | Part, spec: ModelSpec) -> list[GroupRate]:
    """Return the share of rows that are predicted positive."""
    return [
        GroupRate.of_counts(RateKind.SELECTION, round((found.value or 0.0) * found.rows), found.rows)
        for found in summarise_outputs(part, spec)
        if found.metric == PREDICTED_POSITIVE_RATE
    ]


def error_rates(outcomes: BinaryOutcomes) -> list[GroupRate]:
    """Return the rates of the confusion matrix, and that of positive labels."""
    hits, false_alarms = outcomes.true_positive, outcomes.false_positive
    misses, rejections = outcomes.false_negative, outcomes.true_negative
    return [
        GroupRate.of_counts(RateKind.BASE, outcomes.positive, outcomes.labelled),
        GroupRate.of_counts(RateKind.TRUE_POSITIVE, hits, hits + misses),
        GroupRate.of_counts(RateKind.FALSE_POSITIVE, false_alarms, false_alarms + rejections),
        GroupRate.of_counts(RateKind.POSITIVE_PREDICTIVE, hits, hits + false_alarms),
    ]
