"""Rows by hour of a day beside those of the days before, and their metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from airflow_mlmon.evaluation.hours import RowHours
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, SubjectKey
from airflow_mlmon.spec.metrics import ROWS_BY_HOUR

_REGULAR = 24
_KEY = (ROWS_BY_HOUR, None, None)


def row_hours(
    run: Run,
    partition: Partition,
    profile: Profile,
    past: Sequence[DayProfile],
    season: str,
    *,
    breached: Mapping[SubjectKey, Collection[date]],
    over: Mapping[SubjectKey, Collection[date]],
) -> RowHours | None:
    """Return the rows by hour with their history; None without event times.

    A day on which the clocks change has other hours, and is no history of other days.

    Args:
        run: The run.
        partition: The day.
        profile: Its profile.
        past: The profiles of the days before.
        season: Whether weekdays are told apart.
        breached: Days of ongoing incidents, which are no history.
        over: Days of resolved ones.
    """
    if profile.hours is None:
        return None
    days = [
        (one.day, one.profile.hours)
        for one in past
        if one.profile is not None
        and one.day not in breached.get(_KEY, ())
        and run.partition(one.day).hours == _REGULAR
    ]
    return RowHours.of(
        partition.day, profile.hours, days[-run.spec.history.days :], season=season, outliers=over.get(_KEY, ())
    )


def measure_row_hours(hours: RowHours, partition: Partition) -> MetricValue:
    """Measure how far the hours of a day are from the expected ones; without a value where that is not known."""
    rows = int(hours.now.sum())
    lack = hours.lack if partition.hours == _REGULAR else "the clocks change on this day"
    return MetricValue(metric=ROWS_BY_HOUR, value=None if lack else hours.distance, rows=rows, reason=lack)
