"""Rates of a group of rows of a classifier of several classes."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.multiclass.metrics import Confusion, classes_of
from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.rates import GroupRate
from airflow_mlmon.tasks.sums import OutcomeSums

# of more classes, the most frequent ones are compared
_MOST = 10


def class_shares(part: Profile | Part, spec: ModelSpec) -> list[GroupRate]:
    """Return the share of rows of each predicted class."""
    column = part.columns.get(spec.column_of(Role.PREDICTION) or "")
    if not isinstance(column, CategoryProfile):
        return []
    return [
        GroupRate.of_counts(RateKind.SELECTION, column.count_of(name), column.observed, of=name)
        for name in column.schema.vocabulary[:_MOST]
    ]


def class_rates(outcomes: OutcomeSums) -> list[GroupRate]:
    """Return the accuracy, and by class the share of its rows that are predicted as it."""
    matrix = Confusion.of(outcomes)
    hits, labels = matrix.hits.tolist(), matrix.labels.tolist()
    names = classes_of(outcomes)[:_MOST]
    return [
        GroupRate.of_counts(RateKind.ACCURACY, sum(hits), matrix.rows),
        *(
            GroupRate.of_counts(RateKind.TRUE_POSITIVE, hits[place], labels[place], of=name)
            for place, name in enumerate(names)
        ),
    ]
