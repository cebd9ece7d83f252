"""Detection of stale verdicts, which rest on partitions that were rerun since."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run


def versions_below(run: Run, partition: Partition, version: str, baseline: Iterable[date]) -> dict[date, str]:
    """Return the versions that a partition's verdicts rest on: its own, and those of its trailing and baseline days."""
    day = partition.day
    # a day of the reference is not compared with itself
    others = (_trailing(run, day) | set(baseline)) - {day}
    return {day: version, **_versions(run, others)}


def stale_days(run: Run, first: date, last: date) -> dict[date, list[date]]:
    """Return the days of a range whose verdicts rest on rows that have changed since, with the days of these rows.

    A day evaluated by an older release has no record of these rows and is never among them.
    """
    bases = _bases(run, first, last)
    # trailing days without rows at that time may have some now
    below = {day: (_trailing(run, day) | set(then)) - {day} for day, then in bases.items()}
    now = _versions(run, {base for days in below.values() for base in days})
    stale = {}
    for day, then in bases.items():
        if changed := sorted(base for base in below[day] if then.get(base) != now.get(base)):
            stale[day] = changed
    return stale


def _bases(run: Run, first: date, last: date) -> dict[date, dict[date, str]]:
    """Return the versions that the verdicts of a range rest on; of several days, those of long ago if one has changed.

    The days of a reference are most of them, and each day of the range rests on the same.
    """
    if first == last:
        return run.store.evaluation_bases(run.model, first, last)
    since = first - timedelta(days=run.spec.history.days)
    then = run.store.bases_before(run.model, first, last, since)
    is_same = then == set(_versions(run, {day for day, _ in then}).items())
    return run.store.evaluation_bases(run.model, first, last, since if is_same else None)


def _trailing(run: Run, day: date) -> set[date]:
    return {day - timedelta(days=back) for back in range(1, run.spec.history.days + 1)}


def _versions(run: Run, days: set[date]) -> dict[date, str]:
    """Return the version of the rows of each day that has any; for days of the reference, its profile schema."""
    if not days:
        return {}
    found = run.store.versions(run.model, min(days), max(days))
    return {day: version for day, version in found.items() if day in days}
