"""Publication of a partition: its record, the results and the alerts, in one transaction.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.errors import NotFoundError, PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, Family, MetricValue, PartitionState, Results, Status
from airflow_mlmon.store import schema
from airflow_mlmon.store.compared import baseline_rows, forget_file
from airflow_mlmon.store.rows import (
    Row,
    alert_row,
    base_rows,
    check_rows,
    day_row,
    is_of,
    key_of,
    metric_rows,
    partition_of,
    verdict_rows,
)
from airflow_mlmon.store.schema import BreachState
from airflow_mlmon.store.statements import bound, has_key


def stored_day(connection: sa.Connection, partition: Partition) -> PartitionState | None:
    """Read the stored record of a partition."""
    row = connection.execute(_day_query(), bound(key_of(partition))).one_or_none()
    return None if row is None else partition_of(row)


@cache
def _day_query() -> sa.Select[tuple[Any, ...]]:
    return sa.select(schema.partitions).where(has_key(schema.partitions, "model", "day"))


def move_pointer(connection: sa.Connection, state: PartitionState, supersedes: str | None) -> bool:
    """Write the record, unless somebody else has moved it; return False if an evaluated one has to stay.

    Raises:
        PartitionConflictError: the partition's version is neither `supersedes` nor that of `day`.
    """
    current = stored_day(connection, state.partition)
    if current is not None and current.evaluated and not state.evaluated:
        return False
    version = None if current is None else current.version
    if version not in {supersedes, state.version}:
        raise _moved(state.partition, supersedes, version)
    _write_day(connection, state, exists=current is not None)
    return True


def write_failure(connection: sa.Connection, partition: Partition, message: str) -> None:
    """Mark the partition as failed; the served version is unchanged."""
    current = stored_day(connection, partition)
    state = PartitionState(
        partition=partition,
        status=Status.FAILED,
        version=current.version if current else None,
        schema=current.schema if current else None,
        rows_read=current.rows_read if current else 0,
        rows_accepted=current.rows_accepted if current else 0,
        rows_quarantined=current.rows_quarantined if current else 0,
        message=message,
        arrival=current.arrival if current else None,
        causes=current.causes if current else (),
    )
    _write_day(connection, state, exists=current is not None)


def replace_results(connection: sa.Connection, results: Results) -> None:
    """Replace one family of results of one partition."""
    if stored_day(connection, results.partition) is None:
        raise NotFoundError(f"{results.partition} was not run, so it can have no results.")
    key = key_of(results.partition, results.family)
    _replace(connection, schema.metrics, key, metric_rows(key, results.metrics))
    _replace(connection, schema.verdicts, key, verdict_rows(key, results.verdicts))
    _replace(connection, schema.checks, key, check_rows(key, results.checks))
    replace_baselines(connection, results.partition, results.family, results.baselines)
    write_breaches(connection, results.alerts)
    _resolve_others(connection, key, [alert.fingerprint for alert in results.alerts])


def replace_profile(
    connection: sa.Connection,
    partition: Partition,
    profile_schema: str,
    metrics: Sequence[MetricValue],
    replaces: Collection[str],
) -> None:
    """Set the profile schema, and replace the metrics of these names among those of the predictions."""
    days, table = schema.partitions, schema.metrics
    key = key_of(partition, Family.PREDICTIONS)
    connection.execute(sa.update(days).where(is_of(days, key_of(partition))).values(schema=profile_schema))
    connection.execute(sa.delete(table).where(is_of(table, key), table.c.metric.in_(replaces)))
    if rows := metric_rows(key, metrics):
        connection.execute(sa.insert(table), rows)


def write_breaches(connection: sa.Connection, alerts: Sequence[Alert]) -> None:
    """Write the breaches of a partition, in the order of the evaluation; earlier ones are kept."""
    for position, alert in enumerate(alerts):
        key = {**key_of(alert.partition, alert.family), "fingerprint": alert.fingerprint}
        row = {**alert_row(alert), "position": position, "state": BreachState.OPEN.value}
        found = connection.scalar(sa.select(schema.alerts.c.state).where(is_of(schema.alerts, key)))
        _upsert(connection, schema.alerts, key, row, exists=found is not None)


def replace_baselines(
    connection: sa.Connection, partition: Partition, family: Family, baselines: Sequence[BaselineFacts]
) -> None:
    """Replace the baselines that a partition was compared with."""
    key = key_of(partition, family)
    _replace(connection, schema.compared_with, key, baseline_rows(key, baselines))
    if family is Family.PREDICTIONS:
        forget_file(connection, partition)


def replace_evaluation_bases(connection: sa.Connection, partition: Partition, bases: Mapping[date, str]) -> None:
    """Replace the versions that the verdicts of a partition rest on."""
    _replace(connection, schema.evaluation_bases, key_of(partition), base_rows(partition, bases))


def rest_on_version(connection: sa.Connection, partition: Partition, version: str | None) -> None:
    """Check that the partition still has the version that the results came from.

    Raises:
        PartitionConflictError: another run has changed it.
    """
    current = stored_day(connection, partition)
    if (current.version if current else None) != version:
        raise _moved(partition, version, current.version if current else None)


def rest_on_deliveries(connection: sa.Connection, partition: Partition, versions: frozenset[str]) -> None:
    """Record the deliveries of the partition's labels.

    Raises:
        PartitionConflictError: one of them was replaced meanwhile, or another run ingested more.
    """
    of_model = schema.deliveries.c.model == partition.model
    current = set(connection.scalars(sa.select(schema.deliveries.c.version).where(of_model)))
    of_partition = is_of(schema.label_bases, key_of(partition))
    before = set(connection.scalars(sa.select(schema.label_bases.c.version).where(of_partition)))
    if versions - current or (before & current) - versions:
        raise PartitionConflictError(
            f"Labels of {partition} were delivered during the run.",
            hint="rerun the partition",
            partition=partition.key,
        )
    rows = [{**key_of(partition), "version": version} for version in sorted(versions)]
    _replace(connection, schema.label_bases, key_of(partition), rows)


def _moved(partition: Partition, before: str | None, now: str | None) -> PartitionConflictError:
    return PartitionConflictError(
        f"{partition} was at version {before} when the run began, and is at {now} now.",
        hint="rerun the partition",
        partition=partition.key,
    )


def _write_day(connection: sa.Connection, state: PartitionState, *, exists: bool) -> None:
    _upsert(connection, schema.partitions, key_of(state.partition), day_row(state), exists=exists)


def _upsert(connection: sa.Connection, table: sa.Table, key: Row, row: Row, *, exists: bool) -> None:
    if exists:
        connection.execute(sa.update(table).where(is_of(table, key)).values(row))
    else:
        connection.execute(sa.insert(table).values(row))


def _replace(connection: sa.Connection, table: sa.Table, key: Row, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(_deletion(table, *key), bound(key))
    if rows:
        connection.execute(sa.insert(table), list(rows))


@cache
def _deletion(table: sa.Table, *names: str) -> sa.Delete:
    return sa.delete(table).where(has_key(table, *names))


def _resolve_others(connection: sa.Connection, key: Row, breaching: Sequence[str]) -> None:
    """Mark the breaches that no longer hold, and keep them: messages may refer to them."""
    table = schema.alerts
    others = sa.and_(is_of(table, key), table.c.fingerprint.not_in(breaching))
    connection.execute(sa.update(table).where(others).values(state=BreachState.RESOLVED.value))
