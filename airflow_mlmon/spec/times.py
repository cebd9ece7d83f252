"""Columns derived from times when rows are profiled: the times themselves grow with the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_mlmon.spec.choices import ColumnType, Role

if TYPE_CHECKING:
    # a comparison has no spec and need not import pydantic
    from airflow_mlmon.spec.column import Column


class TimeFeature(StrEnum):
    """Number or category derived from a time."""

    AGE = "age"
    HOUR = "hour"
    WEEKDAY = "weekday"


TIME_TYPES = {
    TimeFeature.AGE: ColumnType.FLOAT,
    TimeFeature.HOUR: ColumnType.CATEGORY,
    TimeFeature.WEEKDAY: ColumnType.CATEGORY,
}


def derived_of_times(columns: Mapping[str, Column]) -> dict[str, tuple[str, TimeFeature]]:
    """Return what is derived from times that are features, by name: the time and the feature.

    A declared column of the same name is not derived.

    >>> from airflow_mlmon.spec.column import Column
    >>> derived_of_times({"signup": Column(type=ColumnType.TIMESTAMP)})["signup.age"]
    ('signup', <TimeFeature.AGE: 'age'>)
    """
    return {
        f"{name}.{feature}": (name, feature)
        for name, column in columns.items()
        if column.type is ColumnType.TIMESTAMP and column.role is Role.FEATURE and column.personal is None
        for feature in TimeFeature
        if f"{name}.{feature}" not in columns
    }
