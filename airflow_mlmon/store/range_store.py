"""Part of the metric store that reads values and verdicts over a range of days."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.rows import metric_of, verdict_of
from airflow_mlmon.store.statements import bound_range, in_range
from airflow_mlmon.store.views import values_query

# metric and column, None for the values of all columns together
MetricColumn = tuple[str, str | None]


class RangeStore:
    """Values and verdicts of the models in a database, over ranges of days."""

    _database: Database

    def metrics(
        self, model: str, first: date, last: date, subjects: Collection[MetricColumn] | None = None
    ) -> dict[tuple[date, str, str | None], float | None]:
        """Read the values of a range over all rows, by day, metric and column; of some of them, or of all."""
        asked = bound_range(model, first, last) | _bound_subjects(subjects)
        rows = self._rows(_values_query(of_some=subjects is not None), asked)
        return {(day, metric, column or None): value for day, metric, column, value in rows}

    def measured(
        self, model: str, first: date, last: date, metrics: Collection[str] | None = None
    ) -> dict[tuple[date, str], MetricValue]:
        """Read the values of a range over all rows and columns, by day and metric, with their details."""
        asked = bound_range(model, first, last) | ({} if metrics is None else {"metrics": list(metrics)})
        rows = self._rows(_measured_query(of_some=metrics is not None), asked)
        found = ((row.day, metric_of(row)) for row in rows)
        return {(day, value.metric): value for day, value in found}

    def metric_details(self, model: str, metric: str, first: date, last: date) -> list[tuple[date, MetricValue]]:
        """Read the values of one metric over a range, of every column and over all rows, with their details."""
        return self._details(model, metric, first, last, schema.metrics.c.segment == "")

    def segment_rows(self, model: str, first: date, last: date) -> list[tuple[date, MetricValue]]:
        """Read the row counts of every segment over a range, with their details."""
        return self._details(model, ROWS, first, last, schema.metrics.c.segment != "")

    def value_batches(self, model: str, first: date, last: date, size: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of the model's view of a range, in batches, in the order of the days; few are held at once."""
        table = schema.metrics
        order = (table.c.day, *(table.c[name] for name in ("family", "metric", "column", "segment")))
        query = values_query(model).where(table.c.day.between(first, last)).order_by(*order)
        with self._database.reading() as connection:
            found = connection.execution_options(stream_results=True).execute(query)
            for rows in found.mappings().partitions(size):
                yield [dict(row) for row in rows]

    def versions(self, model: str, first: date, last: date) -> dict[date, str]:
        """Read the version of the rows of each day of a range that has any; of the reference's, its profile schema."""
        rows = self._rows(_versions_query(), bound_range(model, first, last))
        return {row.day: row.version or f"reference {row.schema}" for row in rows if row.schema}

    def has_evaluated_before(self, model: str, day: date) -> bool:
        """Return whether a day before this one is evaluated."""
        table = schema.partitions
        query = sa.select(table.c.day).where(table.c.model == model, table.c.day < day, table.c.evaluated)
        return bool(self._rows(query.limit(1)))

    def _details(
        self, model: str, metric: str, first: date, last: date, condition: sa.ColumnElement[bool]
    ) -> list[tuple[date, MetricValue]]:
        table = schema.metrics
        query = sa.select(table).where(within(table, model, first, last), table.c.metric == metric, condition)
        order = (table.c.day, table.c.column, table.c.segment)
        return [(row.day, metric_of(row)) for row in self._rows(query.order_by(*order))]

    def metric_verdicts(self, model: str, metric: str, first: date, last: date) -> list[tuple[date, Verdict]]:
        """Read the verdicts on one metric over a range, of every column and over all rows."""
        table = schema.verdicts
        query = sa.select(table).where(within(table, model, first, last), table.c.metric == metric)
        rows = self._rows(query.where(table.c.segment == "").order_by(table.c.day, table.c.position))
        return [(row.day, verdict_of(row)) for row in rows]

    def subject_verdicts(
        self, model: str, first: date, last: date, subjects: Collection[MetricColumn]
    ) -> list[tuple[date, Verdict]]:
        """Read the verdicts on some metrics of columns over a range, over all rows."""
        rows = self._rows(_verdicts_query(), bound_range(model, first, last) | _bound_subjects(subjects))
        return [(row.day, verdict_of(row)) for row in rows]

    def most_breached(self, model: str, metric: str, first: date, last: date) -> list[str]:
        """List the columns with a verdict on a metric over a range: those in breach on most days first, then by effect.

        Verdicts on segments do not count.
        """
        table = schema.verdicts
        breaches = sa.func.sum(sa.case((table.c.state == VerdictState.BREACH.value, 1), else_=0))
        effect = sa.func.coalesce(sa.func.max(sa.func.abs(table.c.effect)), 0.0)
        query = sa.select(table.c.column).where(
            within(table, model, first, last), table.c.metric == metric, table.c.segment == "", table.c.column != ""
        )
        order = (breaches.desc(), effect.desc(), table.c.column)
        return [row.column for row in self._rows(query.group_by(table.c.column).order_by(*order))]

    def _rows(
        self, query: sa.Select[Any], asked: Mapping[str, Any] | None = None
    ) -> Sequence[sa.Row[*tuple[Any, ...]]]:
        with self._database.asking() as connection:
            return connection.execute(query, asked).all()


def within(table: sa.Table, model: str, first: date, last: date) -> sa.ColumnElement[bool]:
    """Return the condition that a row is of a model and of a range of days."""
    return sa.and_(table.c.model == model, table.c.day.between(first, last))


@cache
def _values_query(*, of_some: bool) -> sa.Select[tuple[Any, ...]]:
    table = schema.metrics
    query = sa.select(table.c.day, table.c.metric, table.c.column, table.c.value)
    query = query.where(in_range(table), table.c.segment == "", *([_about(table)] if of_some else []))
    return query.order_by(table.c.day)


@cache
def _measured_query(*, of_some: bool) -> sa.Select[tuple[Any, ...]]:
    table = schema.metrics
    some = [table.c.metric.in_(sa.bindparam("metrics", expanding=True))] if of_some else []
    return sa.select(table).where(in_range(table), schema.OF_ALL, *some)


@cache
def _versions_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.partitions
    return sa.select(table.c.day, table.c.version, table.c.schema).where(in_range(table), table.c.schema.is_not(None))


@cache
def _verdicts_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.verdicts
    query = sa.select(table).where(in_range(table), _about(table), table.c.segment == "")
    return query.order_by(table.c.day, table.c.position)


def _about(table: sa.Table) -> sa.ColumnElement[bool]:
    """Write the condition that a row is about one of the subjects of `_bound_subjects`."""
    return sa.tuple_(table.c.metric, table.c.column).in_(sa.bindparam("subjects", expanding=True))


def _bound_subjects(subjects: Collection[MetricColumn] | None) -> dict[str, Any]:
    return {} if subjects is None else {"subjects": [(metric, column or "") for metric, column in subjects]}
