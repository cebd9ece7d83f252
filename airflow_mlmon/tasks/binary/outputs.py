"""Metrics of the outputs of a binary classifier, which need no labels."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.tasks.binary.table import PREDICTED_POSITIVE_RATE, SCORE_MEAN
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.means import compare_means, measure_mean

_POSITIVE = "true"


def summarise_outputs(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the mean score and the share of predicted positives."""
    score = part.columns.get(spec.column_of(Role.SCORE) or "")
    return [*measure_mean(SCORE_MEAN, score), *_predicted_positive_rate(part, spec)]


def compare_outputs(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare the mean scores of two versions."""
    name = spec.column_of(Role.SCORE) or ""
    return compare_means(SCORE_MEAN, before.columns.get(name), after.columns.get(name))


def _predicted_positive_rate(profile: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    column = profile.columns.get(spec.column_of(Role.PREDICTION) or "")
    if not isinstance(column, CategoryProfile):
        return []
    positive, rows = column.count_of(_POSITIVE), column.observed
    share = positive / rows if rows else None
    measured = MetricValue(
        metric=PREDICTED_POSITIVE_RATE, value=share, rows=rows, reason="" if rows else "no row has a value"
    )
    return [measured.within(wilson_interval(positive, rows))]
