"""Selection of the partition that a run processes, and refusal of days that a person cannot have meant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import DAY, DEFAULT_ZONE, Partition, day_of, start_of


def resolve_partition(
    model: str,
    *,
    zone: str = DEFAULT_ZONE,
    given: str | None = None,
    partition_key: str | None = None,
    interval_start: datetime | None = None,
    interval_end: datetime | None = None,
    asked: datetime | None = None,
) -> Partition:
    """Return the partition of a run, from the first source that names it.

    1. `given`: the operator's own argument, or `partition` in the run's conf or params.
    2. `partition_key`: the key of a run of a partitioned DAG.
    3. The data interval, if it is not empty. Of a run that was started by hand, Airflow takes it from the moment of
       the start or from the logical date, the day before it; a logical date that names another day (`asked`) is
       refused, for it may be the day that was meant.

    Raises:
        ConfigError: no source names it, or the logical date contradicts it.
    """
    if day := given or partition_key:
        return Partition.from_key(model, day if given else day[:10], zone)
    if interval_start and interval_end and interval_start < interval_end:
        partition = Partition.of_day(model, day_of(interval_start, zone), zone)
        if asked is not None and not _means(asked, partition, interval_end):
            wanted = day_of(asked, zone)
            raise ConfigError(
                f"The run of {model} was started by hand with the logical date {asked.isoformat()}, but its data "
                f"interval is the day {partition.key}.",
                hint=f'start it with the parameter {{"partition": "{wanted}"}}, or "{partition.key}" if that was meant',
            )
        return partition
    raise ConfigError(
        f"The run of {model} names no day to process.",
        hint='start it with the parameter {"partition": "YYYY-MM-DD"}, or as a backfill',
    )


def check_timely(partitions: Sequence[Partition], *, start: date, end: date | None, now: datetime) -> None:
    """Refuse days that are not over yet, or that the spec does not monitor.

    Such a day has no rows, or few, and everything that looks back would rest on it: the initial window of the
    baselines, the pages, and whether an alert can be muted. It is asked for runs that a person starts alone.

    Args:
        partitions: the days of the run, of one model.
        start: first day that is monitored.
        end: last day that is monitored.
        now: the present.

    Raises:
        ConfigError: a day is before `start`, after `end`, or ends after `now`.
    """
    refused = [(one, reason) for one in partitions if (reason := _explain_untimely(one, start, end, now))]
    if not refused:
        return
    partition, reason = refused[0]
    others = f" So are {len(refused) - 1} more of the {len(partitions)} days." if refused[1:] else ""
    raise ConfigError(
        f"{partition} is refused: {reason}.{others}",
        hint='if it is meant, run it with --force; in Airflow, with the parameter {"force": true}',
        partition=partition.key,
    )


def _explain_untimely(partition: Partition, start: date, end: date | None, now: datetime) -> str:
    """Return the reason for which a day cannot be meant; empty if it can."""
    if partition.day < start:
        return f"it is before {start}, the `start` of the spec"
    if end is not None and partition.day > end:
        return f"it is after {end}, the `end` of the spec"
    if partition.end > now:
        over = f"{partition.end:%Y-%m-%d %H:%M} UTC"
        return f"the day is not over before {over}, and it is {now:%Y-%m-%d %H:%M} UTC now"
    return ""


def _means(asked: datetime, partition: Partition, end: datetime) -> bool:
    """Say whether a logical date is in the partition, or is a moment, not a midnight, of the day after it."""
    day = day_of(asked, partition.zone)
    is_date = asked == start_of(day, partition.zone)
    return day == partition.day or (end < asked < end + DAY and not is_date)
