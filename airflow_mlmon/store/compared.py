"""Baselines that partitions were compared with; those of earlier releases are imported from files.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Family
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import Row, key_of
from airflow_mlmon.store.statements import bound, deletion, has_key


def compared_with(connection: sa.Connection, partition: Partition) -> list[BaselineFacts]:
    """Return the baselines that a partition was compared with, in their order."""
    return [_baseline_of(row) for row in connection.execute(_facts_query(), bound(key_of(partition)))]


@cache
def _facts_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.compared_with
    return sa.select(table).where(has_key(table, "model", "day")).order_by(table.c.position)


def baseline_rows(key: Row, baselines: Sequence[BaselineFacts]) -> list[Row]:
    """Return the rows of baselines, in their order."""
    return [
        {
            **key,
            "position": position,
            "title": baseline.title,
            "kind": baseline.kind.value,
            "columns": json.dumps(baseline.columns),
            "asked": baseline.asked,
            "needed": baseline.needed,
            "days": json.dumps({str(day): version for day, version in baseline.days.items()}),
            "other_schema": baseline.other_schema,
            "pin": baseline.pin,
        }
        for position, baseline in enumerate(baselines)
    ]


def days_in_files(connection: sa.Connection, model: str) -> set[date]:
    """Return the days of a model whose baselines an earlier release kept in a file that was not imported yet."""
    table = schema.drift_files
    return set(connection.scalars(sa.select(table.c.day).where(table.c.model == model)))


def import_baselines(connection: sa.Connection, partition: Partition, baselines: Sequence[BaselineFacts]) -> None:
    """Import the baselines that an earlier release kept in a file, unless they are stored by now."""
    if not forget_file(connection, partition):
        return
    if rows := baseline_rows(key_of(partition, Family.PREDICTIONS), baselines):
        connection.execute(sa.insert(schema.compared_with), rows)


def forget_file(connection: sa.Connection, partition: Partition) -> bool:
    """Mark the file of an earlier release as obsolete; return False if there was none."""
    key = key_of(partition)
    return connection.execute(deletion(schema.drift_files, *key), bound(key)).rowcount > 0


def _baseline_of(row: sa.Row[Any]) -> BaselineFacts:
    return BaselineFacts(
        title=row.title,
        kind=BaselineKind(row.kind),
        columns=tuple(json.loads(row.columns)),
        asked=row.asked,
        needed=row.needed,
        days={date.fromisoformat(day): version for day, version in json.loads(row.days).items()},
        other_schema=row.other_schema,
        pin=row.pin,
    )
