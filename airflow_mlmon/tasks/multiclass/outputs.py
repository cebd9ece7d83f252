"""Metrics of the outputs of a classifier of several classes, which need no labels."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import share_interval
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.coverage import share_of
from airflow_mlmon.tasks.multiclass.table import PREDICTED_MAJORITY_RATE


def summarise_classes(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the share of rows predicted as the class that the reference predicts most."""
    column = part.columns.get(spec.column_of(Role.PREDICTION) or "")
    if not isinstance(column, CategoryProfile):
        return []
    return [share_of(PREDICTED_MAJORITY_RATE, column.known.count_of(0), column.observed, "no row has a value")]


def compare_classes(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare this share between two versions."""
    name = spec.column_of(Role.PREDICTION) or ""
    first, second = (_counted(profile.columns.get(name)) for profile in (before, after))
    if first is None or second is None or not first[1] or not second[1]:
        return []
    low, high = share_interval(*first, *second)
    return [
        Difference(
            metric=PREDICTED_MAJORITY_RATE,
            before=first[0] / first[1],
            after=second[0] / second[1],
            low=low,
            high=high,
        )
    ]


def _counted(column: ColumnProfile | None) -> tuple[int, int] | None:
    return (column.known.count_of(0), column.observed) if isinstance(column, CategoryProfile) else None
