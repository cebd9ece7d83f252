"""Selection of the partition that a DAG run processes."""

from __future__ import annotations

from datetime import datetime

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import DEFAULT_ZONE, Partition, day_of


def resolve_partition(
    model: str,
    *,
    zone: str = DEFAULT_ZONE,
    given: str | None = None,
    partition_key: str | None = None,
    interval_start: datetime | None = None,
    interval_end: datetime | None = None,
) -> Partition:
    """Return the partition of a run, from the first source that names it.

    1. `given`: the operator's own argument, or `partition` in the run's conf or params.
    2. `partition_key`: the key of a run of a partitioned DAG.
    3. The data interval, if it is not empty. `logical_date` is not used: in a manual run it may be any moment, or
       missing.

    Raises:
        ConfigError: no source names it.
    """
    if day := given or partition_key:
        return Partition.from_key(model, day if given else day[:10], zone)
    if interval_start and interval_end and interval_start < interval_end:
        return Partition.of_day(model, day_of(interval_start, zone), zone)
    raise ConfigError(
        f"The run of {model} names no day to process.",
        hint='start it with the parameter {"partition": "YYYY-MM-DD"}, or as a backfill',
    )
