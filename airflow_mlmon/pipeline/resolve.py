"""Selection of the partition that a DAG run processes."""

from __future__ import annotations

from datetime import datetime

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


def _means(asked: datetime, partition: Partition, end: datetime) -> bool:
    """Say whether a logical date is in the partition, or is a moment, not a midnight, of the day after it."""
    day = day_of(asked, partition.zone)
    is_date = asked == start_of(day, partition.zone)
    return day == partition.day or (end < asked < end + DAY and not is_date)
