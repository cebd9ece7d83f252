"""Which verdicts rest on nights that were redone since they were given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Night

# the fact of a night under which it is kept
RESTS_ON = "rests_on"


def versions_below(run: Run, partition: Partition, baseline: Iterable[date]) -> dict[str, str]:
    """What the verdicts of a night rest on: the version of the rows of each trailing night and baseline night."""
    trailing = {partition.shift(-back).day for back in range(1, run.spec.history.nights + 1)}
    # one of the reference's own nights is not compared with itself
    return _versions(run, (trailing | set(baseline)) - {partition.day})


def stale_nights(run: Run, first: date, last: date) -> dict[date, list[date]]:
    """The nights of a range whose verdicts rest on rows that are others now, with the days of these rows.

    A night that an older release judged does not say what it rests on, and is never among them.
    """
    judged = [night for night in run.store.nights(run.model, first, last) if night.judged and RESTS_ON in night.facts]
    below = {night.partition.day: _below(run, night) for night in judged}
    now = _versions(run, {day for days in below.values() for day in days})
    stale = {}
    for night in judged:
        then: Mapping[str, str] = night.facts[RESTS_ON]
        changed = [day for day in sorted(below[night.partition.day]) if then.get(str(day)) != now.get(str(day))]
        if changed:
            stale[night.partition.day] = changed
    return stale


def _below(run: Run, night: Night) -> set[date]:
    """The days that a night's verdicts rest on, also those that had no rows then."""
    trailing = {night.partition.day - timedelta(days=back) for back in range(1, run.spec.history.nights + 1)}
    return trailing | {date.fromisoformat(day) for day in night.facts[RESTS_ON]}


def _versions(run: Run, days: set[date]) -> dict[str, str]:
    """The version of the rows of each day that has any; those of the reference go by its layout."""
    if not days:
        return {}
    nights = run.store.nights(run.model, min(days), max(days))
    return {
        night.partition.key: night.version or f"reference {night.layout}"
        for night in nights
        if night.layout and night.partition.day in days
    }
