"""History of a partition: the metric values and the breaches of earlier days.

Failed partitions are left out: their values do not represent the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.records import Status, SubjectKey, VerdictState
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import subject_of
from airflow_mlmon.store.statements import bound_range, in_range

# of one statement, well below what a database takes in a union
_MOST_METRICS = 100

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
    query = _values_query(has_segment=segment is not None, has_limit=limit is not None)
    asked = {"model": model, "first": days[0], "last": days[1], "metrics": list(metrics)}
    asked |= {name: value for name, value in (("segment", segment), ("limit", limit)) if value is not None}
    return [
        (day, (metric, column or None, of or None), value, rows)
        for day, metric, column, of, value, rows in connection.execute(query, asked).all()
    ]


def read_first(
    connection: sa.Connection, model: str, metrics: Mapping[str, tuple[date, int]], last: date
) -> dict[str, list[Value]]:
    """Read the same of metrics of all rows together, each from a day on and as many values as are asked for."""
    found: dict[str, list[Value]] = {metric: [] for metric in metrics}
    names = list(metrics)
    for begin in range(0, len(names), _MOST_METRICS):
        some = names[begin : begin + _MOST_METRICS]
        asked: dict[str, Any] = {"model": model, "last": last}
        for number, metric in enumerate(some):
            first, limit = metrics[metric]
            asked |= {f"metric_{number}": metric, f"first_{number}": first, f"limit_{number}": limit}
        for day, metric, value, rows in connection.execute(_first_query(len(some)), asked):
            found[metric].append((day, (metric, None, None), value, rows))
    return {metric: sorted(values, key=lambda one: one[0]) for metric, values in found.items()}


@cache
def _values_query(*, has_segment: bool, has_limit: bool) -> sa.Select[tuple[Any, ...]]:
    table = schema.metrics
    query = sa.select(*(table.c[name] for name in ("day", "metric", "column", "segment", "value", "rows"))).where(
        *_valid(table),
        table.c.metric.in_(sa.bindparam("metrics", expanding=True)),
        *([table.c.segment == sa.bindparam("segment")] if has_segment else []),
    )
    return query.order_by(table.c.day).limit(sa.bindparam("limit", type_=sa.Integer) if has_limit else None)


@cache
def _first_query(metrics: int) -> sa.CompoundSelect[tuple[Any, ...]]:
    """Return the query of so many metrics, each with its own first day and number of values."""
    table = schema.metrics
    parts = []
    for number in range(metrics):
        part = (
            sa.select(table.c.day, table.c.metric, table.c.value, table.c.rows)
            .where(
                *_valid(table, first=f"first_{number}"),
                table.c.metric == sa.bindparam(f"metric_{number}"),
                schema.OF_ALL,
            )
            .order_by(table.c.day)
            .limit(sa.bindparam(f"limit_{number}", type_=sa.Integer))
        )
        # a limit within a union needs a table of its own
        parts.append(sa.select(part.subquery()))
    return sa.union_all(*parts)


def _valid(table: sa.Table, first: str = "first") -> list[sa.ColumnElement[bool]]:
    """Write the condition that a value is there and its day has not failed, of a model on days that are bound."""
    model: sa.BindParameter[str] = sa.bindparam("model")
    days: tuple[sa.BindParameter[date], sa.BindParameter[date]] = sa.bindparam(first), sa.bindparam("last")
    partitions = schema.partitions.c
    failed = sa.select(partitions.day).where(
        partitions.model == model, partitions.status == Status.FAILED.value, partitions.day.between(*days)
    )
    return [
        table.c.model == model,
        table.c.day.between(*days),
        table.c.value.is_not(None),
        table.c.day.not_in(failed),
    ]


def breached_days(
    connection: sa.Connection, model: str, days: tuple[date, date], metric: str | None = None
) -> dict[SubjectKey, set[date]]:
    """Find, by metric, column and segment, the breaching days of a range; of one metric, or of all."""
    query = _breaches_query(of_one=metric is not None)
    asked = bound_range(model, *days) | ({} if metric is None else {"metric": metric})
    found: dict[SubjectKey, set[date]] = {}
    for row in connection.execute(query, asked):
        found.setdefault(subject_of(row), set()).add(row.day)
    return found


@cache
def _breaches_query(*, of_one: bool) -> sa.Select[tuple[Any, ...]]:
    table = schema.verdicts
    query = sa.select(table.c.metric, table.c.column, table.c.segment, table.c.day).distinct()
    query = query.where(in_range(table), table.c.state == VerdictState.BREACH.value)
    return query.where(table.c.metric == sa.bindparam("metric")) if of_one else query


def evaluation_bases(
    connection: sa.Connection, model: str, days: tuple[date, date], since: date | None = None
) -> dict[date, dict[date, str]]:
    """Return, by evaluated day of a range, the versions that its verdicts rest on, by day since one."""
    found: dict[date, dict[date, str]] = {}
    # a history of rows for each day: thousands for the page of a model
    asked = bound_range(model, *days) | {"since": since or date.min}
    for day, base, version in connection.execute(_bases_query(), asked).all():
        found.setdefault(day, {})[base] = version
    return found


def bases_before(connection: sa.Connection, model: str, days: tuple[date, date], before: date) -> set[tuple[date, str]]:
    """Return the days before one that verdicts of a range rest on, with their versions then."""
    asked = bound_range(model, *days) | {"before": before}
    return {(base, version) for base, version in connection.execute(_below_query(), asked)}


@cache
def _bases_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.evaluation_bases
    query = sa.select(table.c.day, table.c.base, table.c.version)
    return query.where(in_range(table), table.c.base >= sa.bindparam("since")).order_by(table.c.day, table.c.base)


@cache
def _below_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.evaluation_bases
    query = sa.select(table.c.base, table.c.version).distinct()
    return query.where(in_range(table), table.c.base < sa.bindparam("before"))
