"""Metrics of the predictions of a regression, which need no labels."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.means import compare_means, measure_mean
from airflow_mlmon.tasks.regression.table import PREDICTION_MEAN


def summarise_predictions(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the mean prediction."""
    return measure_mean(PREDICTION_MEAN, part.columns.get(spec.column_of(Role.PREDICTION) or ""))


def compare_predictions(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare the mean predictions of two versions."""
    name = spec.column_of(Role.PREDICTION) or ""
    return compare_means(PREDICTION_MEAN, before.columns.get(name), after.columns.get(name))
