"""History of a partition: the metric values and the breaches of earlier days.

Failed partitions are left out: their values do not represent the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from airflow_mlmon.records import Status, SubjectKey, VerdictState
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import subject_of

Value = tuple[date, SubjectKey, float, int]


def read_values(
    connection: sa.Connection,
    model: str,
    metrics: Sequence[str],
    days: tuple[date, date],
    *,
    segment: str | None = None,
    limit: int | None = None,
) -> list[Value]:
    """Read days, subjects, values and rows of some metrics in a range of days, in their order.

    Args:
        connection: connection to the store.
        model: name of the model.
        metrics: names of the metrics.
        days: first and last day.
        segment: segment to read, "" for all rows; None reads all of them.
        limit: largest number of values to return.
    """
    table, partitions = schema.metrics, schema.partitions
    failed = sa.select(partitions.c.day).where(partitions.c.model == model, partitions.c.status == Status.FAILED.value)
    query = sa.select(*(table.c[name] for name in ("day", "metric", "column", "segment", "value", "rows"))).where(
        table.c.model == model,
        table.c.day.between(*days),
        table.c.metric.in_(metrics),
        table.c.value.is_not(None),
        table.c.day.not_in(failed.where(partitions.c.day.between(*days))),
    )
    if segment is not None:
        query = query.where(table.c.segment == segment)
    return [
        (row.day, subject_of(row), row.value, row.rows)
        for row in connection.execute(query.order_by(table.c.day).limit(limit))
    ]


def breached_days(
    connection: sa.Connection, model: str, days: tuple[date, date], metric: str | None = None
) -> dict[SubjectKey, set[date]]:
    """Find, by metric, column and segment, the breaching days of a range; of one metric, or of all."""
    table = schema.verdicts
    query = sa.select(table.c.metric, table.c.column, table.c.segment, table.c.day).distinct()
    query = query.where(table.c.model == model, table.c.day.between(*days), table.c.state == VerdictState.BREACH.value)
    if metric is not None:
        query = query.where(table.c.metric == metric)
    found: dict[SubjectKey, set[date]] = {}
    for row in connection.execute(query):
        found.setdefault(subject_of(row), set()).add(row.day)
    return found


def evaluation_bases(connection: sa.Connection, model: str, days: tuple[date, date]) -> dict[date, dict[date, str]]:
    """Return, by evaluated day of a range, the versions that its verdicts rest on, by day."""
    table = schema.evaluation_bases
    query = sa.select(table).where(table.c.model == model, table.c.day.between(*days))
    found: dict[date, dict[date, str]] = {}
    for row in connection.execute(query.order_by(table.c.day, table.c.base)):
        found.setdefault(row.day, {})[row.base] = row.version
    return found
