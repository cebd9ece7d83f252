"""Metrics of the outputs of a ranking, which need no labels."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.binary.table import SCORE_MEAN
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.means import compare_means, measure_mean


def summarise_scores(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the mean score; a rank has none, it follows from the sizes of the groups."""
    return measure_mean(SCORE_MEAN, _score(part, spec))


def compare_scores(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare the mean scores of two versions."""
    return compare_means(SCORE_MEAN, _score(before, spec), _score(after, spec))


def _score(part: Profile | Part, spec: ModelSpec) -> ColumnProfile | None:
    return part.columns.get(spec.column_of(Role.SCORE) or "")
