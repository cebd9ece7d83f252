"""Metrics of the outputs of a binary classifier, which need no labels."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import mean_interval, wilson_interval
from airflow_mlmon.tasks.binary.table import PREDICTED_POSITIVE_RATE, SCORE_MEAN
from airflow_mlmon.tasks.contrast import Difference

_POSITIVE = "true"


def summarise_outputs(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the mean score and the share of predicted positives."""
    return [*_score_mean(part, spec), *_predicted_positive_rate(part, spec)]


def compare_outputs(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare the mean scores of two versions."""
    name = spec.column_of(Role.SCORE) or ""
    one, two = (profile.columns.get(name) for profile in (before, after))
    if not isinstance(one, NumericProfile) or not isinstance(two, NumericProfile):
        return []
    if one.mean is None or two.mean is None or one.std is None or two.std is None:
        return []
    low, high = mean_interval(one.mean, one.std, one.observed, (two.mean, two.std, two.observed))
    return [Difference(metric=SCORE_MEAN, before=one.mean, after=two.mean, low=low, high=high)]


def _score_mean(profile: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    column = profile.columns.get(spec.column_of(Role.SCORE) or "")
    if not isinstance(column, NumericProfile):
        return []
    rows = column.observed
    measured = MetricValue(metric=SCORE_MEAN, value=column.mean, rows=rows, reason=_reason(rows))
    return [measured.within(column.mean_interval)]


def _predicted_positive_rate(profile: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    column = profile.columns.get(spec.column_of(Role.PREDICTION) or "")
    if not isinstance(column, CategoryProfile):
        return []
    positive, rows = column.count_of(_POSITIVE), column.observed
    share = positive / rows if rows else None
    measured = MetricValue(metric=PREDICTED_POSITIVE_RATE, value=share, rows=rows, reason=_reason(rows))
    return [measured.within(wilson_interval(positive, rows))]


def _reason(rows: int) -> str:
    return "" if rows else "no row has a value"
