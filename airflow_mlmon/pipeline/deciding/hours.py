"""Rows by hour of a day beside those of the days before, and their metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from airflow_mlmon.evaluation.history import ongoing
from airflow_mlmon.evaluation.hours import RowHours
from airflow_mlmon.partition import Partition, dates_before
from airflow_mlmon.pipeline.deciding.acceptance import begin_anew
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.compared_days import PastDay, past_days
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, SubjectKey
from airflow_mlmon.spec.metrics import ROWS_BY_HOUR

_REGULAR = 24
# maximum look-back, in lengths of the history
_FARTHEST = 3
_KEY = (ROWS_BY_HOUR, None, None)


def row_hours(
    run: Run,
    partition: Partition,
    profile: Profile,
    past: Sequence[tuple[date, Hours | None]],
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
        past: The hours of the days before that have a profile.
        season: Whether weekdays are told apart.
        breached: Days of ongoing incidents, which are no history.
        over: Days of resolved ones.
    """
    if profile.hours is None:
        return None
    days = [
        (day, hours)
        for day, hours in past
        if day not in breached.get(_KEY, ()) and run.partition(day).hours == _REGULAR
    ]
    return RowHours.of(
        partition.day, profile.hours, days[-run.spec.history.days :], season=season, outliers=over.get(_KEY, ())
    )


def past_row_hours(run: Run, partition: Partition, profile: Profile) -> RowHours | None:
    """Return the rows by hour of a day with the history that they are evaluated by; None without event times."""
    reference = pinned_reference(run, partition.day)
    if reference is None or profile.hours is None:
        return None
    day, spec = partition.day, run.spec
    accepted = run.ask(run.store.accepted_until, day)
    found = run.ask(run.store.breached_days, day - _FARTHEST * timedelta(spec.history.days), day - timedelta(1))
    breached = {past for past in found.get(_KEY, ()) if past > accepted.get(_KEY, date.min)}
    standing = ongoing(breached, day, spec.alerts.clear)
    days = dates_before(day, min(spec.history.days + len(standing), _FARTHEST * spec.history.days))
    since = begin_anew(found, accepted, spec.alerts.clear).get(_KEY, date.min)
    return row_hours(
        run,
        partition,
        profile,
        past_hours(past_days(run, reference, [past for past in days if past >= since], are_compared=False)),
        spec.alerts.evaluation.season,
        breached={_KEY: standing},
        over={_KEY: breached - standing},
    )


def past_hours(days: Sequence[PastDay]) -> list[tuple[date, Hours | None]]:
    """Return the hours of the days that have a profile."""
    return [(one.day, one.profile.hours) for one in days if one.profile is not None]


def measure_row_hours(hours: RowHours, partition: Partition) -> MetricValue:
    """Measure how far the hours of a day are from the expected ones; without a value where that is not known."""
    rows, lack = int(hours.now.sum()), lack_of(hours, partition)
    return MetricValue(metric=ROWS_BY_HOUR, value=None if lack else hours.distance, rows=rows, reason=lack)


def lack_of(hours: RowHours, partition: Partition) -> str:
    """Return the reason why the hours of a day cannot be evaluated; empty if they can."""
    return hours.lack if partition.hours == _REGULAR else "the clocks change on this day"
