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
from airflow_mlmon.store.statements import bound, deletion, has_key


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


def replace_results(connection: sa.Connection, results: Sequence[Results]) -> None:
    """Replace families of results of partitions, each with one statement for each table, as few rows are theirs."""
    for partition in {item.partition for item in results}:
        if stored_day(connection, partition) is None:
            raise NotFoundError(f"{partition} was not run, so it can have no results.")
    keyed = [(key_of(item.partition, item.family), item) for item in results]
    keys = [key for key, _ in keyed]
    _replace(connection, schema.metrics, keys, [row for key, item in keyed for row in metric_rows(key, item.metrics)])
    _replace(
        connection, schema.verdicts, keys, [row for key, item in keyed for row in verdict_rows(key, item.verdicts)]
    )
    _replace(connection, schema.checks, keys, [row for key, item in keyed for row in check_rows(key, item.checks)])
    _replace_baselines(connection, {(item.partition, item.family): item.baselines for item in results})
    for _, item in keyed:
        write_breaches(connection, item.alerts)
    _resolve_others(connection, [(key, [alert.fingerprint for alert in item.alerts]) for key, item in keyed])


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
    _replace_baselines(connection, {(partition, family): baselines})


def _replace_baselines(
    connection: sa.Connection, found: Mapping[tuple[Partition, Family], Sequence[BaselineFacts]]
) -> None:
    keyed = [(key_of(*of), baselines) for of, baselines in found.items()]
    rows = [row for key, baselines in keyed for row in baseline_rows(key, baselines)]
    _replace(connection, schema.compared_with, [key for key, _ in keyed], rows)
    for partition, family in found:
        if family is Family.PREDICTIONS:
            forget_file(connection, partition)


def replace_evaluation_bases(connection: sa.Connection, partition: Partition, bases: Mapping[date, str]) -> None:
    """Replace the versions that the verdicts of a partition rest on."""
    _replace(connection, schema.evaluation_bases, [key_of(partition)], base_rows(partition, bases))


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
    key = key_of(partition)
    current = set(connection.scalars(_versions(schema.deliveries, "model"), bound({"model": partition.model})))
    before = set(connection.scalars(_versions(schema.label_bases, *key), bound(key)))
    if versions - current or (before & current) - versions:
        raise PartitionConflictError(
            f"Labels of {partition} were delivered during the run.",
            hint="rerun the partition",
            partition=partition.key,
        )
    _replace(connection, schema.label_bases, [key], [{**key, "version": version} for version in sorted(versions)])


@cache
def _versions(table: sa.Table, *names: str) -> sa.Select[tuple[str]]:
    return sa.select(table.c.version).where(has_key(table, *names))


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


def _replace(
    connection: sa.Connection, table: sa.Table, keys: Sequence[Row], rows: Sequence[Mapping[str, Any]]
) -> None:
    if keys:
        connection.execute(deletion(table, *keys[0]), [bound(key) for key in keys])
    if rows:
        connection.execute(sa.insert(table), list(rows))


def _resolve_others(connection: sa.Connection, keyed: Sequence[tuple[Row, Sequence[str]]]) -> None:
    """Mark the breaches that no longer hold, and keep them: messages may refer to them."""
    table = schema.alerts
    resolved = sa.update(table).values(state=BreachState.RESOLVED.value)
    if healthy := [key for key, breaching in keyed if not breaching]:
        connection.execute(resolved.where(has_key(table, *healthy[0])), [bound(key) for key in healthy])
    for key, breaching in keyed:
        if breaching:
            connection.execute(resolved.where(is_of(table, key), table.c.fingerprint.not_in(breaching)))
