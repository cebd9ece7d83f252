"""Part of the metric store that reads about many models at once: one query for all of them, never one for each.

Of a model that is named with a day, the results of that day are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, TypeVar

import sqlalchemy as sa

from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.lifecycle.tracked_incidents import SentMessage
from airflow_mlmon.records import AlertState, Family, MetricValue, PartitionState, Status, Verdict
from airflow_mlmon.spec.choices import CRITICAL
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.episodes import tracked_query
from airflow_mlmon.store.rows import metric_of, partition_of, tracked_of, verdict_of
from airflow_mlmon.store.schema import BreachState, DeliveryState

_Item = TypeVar("_Item")

# a database takes a limited number of values in one query
_MOST_NAMED = 1000


@dataclass(slots=True, kw_only=True)
class OpenAlerts:
    """Numbers of the alerts of a model that have not resolved: those that are open to anybody, and those of the rest.

    Attributes:
        open: Open and reopened.
        critical: Critical ones among the open.
        acknowledged: Acknowledged.
        muted: Muted.
    """

    open: int = 0
    critical: int = 0
    acknowledged: int = 0
    muted: int = 0


@dataclass(slots=True, kw_only=True)
class DayStatus:
    """Day of a model as a strip of days shows it.

    Attributes:
        status: Status of its run.
        alerts: Number of breaches of that day that alert.
    """

    status: Status
    alerts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """Messages about the alerts of a model that did not arrive on a channel, for one reason.

    Attributes:
        messages: Number of them.
        error: Error of the last attempt.
        first: Day of the oldest of them.
        last: Day of the newest.
        is_given_up: Whether no run tries them again.
    """

    model: str
    channel: str
    messages: int
    error: str
    first: date
    last: date
    is_given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedValue:
    """Value of a metric with its day."""

    day: date
    measured: MetricValue = field(repr=False)


class AcrossModels:
    """Results of all models of a database."""

    _database: Database

    def last_runs(self, *, is_completed: bool = False) -> dict[str, PartitionState]:
        """Read the last day that was run of each registered model, or the last of those that did not fail."""
        days, models = schema.partitions, schema.models
        others = days.alias("others")
        counts = [others.c.model == models.c.model, others.c.evaluated]
        if is_completed:
            counts.append(others.c.status != Status.FAILED.value)
        # of a maximum under conditions, SQLite would read every day of the model
        last = sa.select(others.c.day).where(*counts).order_by(others.c.day.desc()).limit(1).scalar_subquery()
        # apart from the rows of these days: joined, the last day would be sought once for every day of a model
        found = {row.model: row.day for row in self._asked(sa.select(models.c.model, last.label("day")))}
        ran = {model: day for model, day in found.items() if day is not None}
        return {row.model: partition_of(row) for row in self._on(sa.select(days), days, ran)}

    def open_alerts(self) -> dict[str, OpenAlerts]:
        """Count the alerts that have not resolved, by model."""
        table = schema.episodes
        query = sa.select(table.c.model, table.c.state, table.c.severity, sa.func.count().label("number"))
        query = query.where(table.c.resolved_on.is_(None)).group_by(table.c.model, table.c.state, table.c.severity)
        found: dict[str, OpenAlerts] = defaultdict(OpenAlerts)
        for row in self._asked(query):
            counted = found[row.model]
            if row.state == AlertState.ACKNOWLEDGED:
                counted.acknowledged += row.number
            elif row.state == AlertState.MUTED:
                counted.muted += row.number
            else:
                counted.open += row.number
                counted.critical += row.number if row.severity == CRITICAL else 0
        return dict(found)

    def past_days(self, models: Collection[str], first: date, last: date) -> dict[str, dict[date, DayStatus]]:
        """Read the evaluated days of a range, by model and day."""
        days, alerts = schema.partitions, schema.alerts
        found: dict[str, dict[date, DayStatus]] = defaultdict(dict)
        query = sa.select(days.c.model, days.c.day, days.c.status)
        for row in self._of_models(query.where(days.c.evaluated), days, models, (first, last)):
            found[row.model][row.day] = DayStatus(status=Status(row.status))
        counted = sa.select(alerts.c.model, alerts.c.day, sa.func.count().label("number")).group_by(
            alerts.c.model, alerts.c.day
        )
        counted = counted.where(alerts.c.state == BreachState.OPEN.value)
        for row in self._of_models(counted, alerts, models, (first, last)):
            if row.day in found[row.model]:
                found[row.model][row.day].alerts = row.number
        return dict(found)

    def values_on(self, days: Mapping[str, date], metrics: Collection[str]) -> dict[str, dict[str, MetricValue]]:
        """Read some metrics of all rows and columns together, of either family, by model and name."""
        table = schema.metrics
        query = sa.select(table).where(
            table.c.family.in_([family.value for family in Family]), table.c.metric.in_(metrics), schema.OF_ALL
        )
        found: dict[str, dict[str, MetricValue]] = defaultdict(dict)
        for row in self._on(query, table, days):
            found[row.model][row.metric] = metric_of(row)
        return dict(found)

    def measured_columns(self, days: Mapping[str, date], metric: str) -> dict[str, int]:
        """Count the columns that have a value of a metric of the predictions over all rows, by model."""
        table = schema.metrics
        query = sa.select(table.c.model, sa.func.count().label("number")).where(
            table.c.family == Family.PREDICTIONS.value,
            table.c.metric == metric,
            table.c.column != "",
            table.c.segment == "",
            table.c.value.is_not(None),
        )
        return {row.model: row.number for row in self._on(query.group_by(table.c.model), table, days)}

    def segments_on(self, days: Mapping[str, date]) -> dict[str, dict[str, int]]:
        """Read the numbers of rows of every segment, by model and segment."""
        table = schema.metrics
        query = sa.select(table.c.model, table.c.segment, table.c.value).where(
            table.c.family == Family.PREDICTIONS.value,
            table.c.metric == ROWS,
            table.c.column == "",
            table.c.segment != "",
        )
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for row in self._on(query, table, days):
            found[row.model][row.segment] = int(row.value or 0)
        return dict(found)

    def verdicts_on(self, days: Mapping[str, date], metric: str) -> dict[str, Verdict]:
        """Read the verdict on a metric of all rows and columns together by model; of several, that of the history."""
        table = schema.verdicts
        query = sa.select(table).where(table.c.metric == metric, table.c.column == "", table.c.segment == "")
        found: dict[str, Verdict] = {}
        for row in self._on(query, table, days):
            if row.model not in found or row.history is not None:
                found[row.model] = verdict_of(row)
        return found

    def latest_values(self, wanted: Mapping[str, Sequence[str]], first: date, last: date) -> dict[str, DatedValue]:
        """Read by model the last value in a range of the first of some metrics that has one.

        Args:
            wanted: by model, metrics of all rows and columns together, the one that is wanted most first.
            first: first day of the range.
            last: its last day.
        """
        by_metric: dict[str, list[str]] = defaultdict(list)
        for model, metrics in wanted.items():
            for metric in metrics:
                by_metric[metric].append(model)
        if not by_metric:
            return {}
        table, models = schema.metrics, schema.models
        # from the last day back to the first value, where a maximum by group would read every day of the range
        parts = []
        for metric, names in by_metric.items():
            of_metric = sa.and_(
                table.c.model == models.c.model,
                table.c.metric == metric,
                table.c.day.between(first, last),
                table.c.value.is_not(None),
                schema.OF_ALL,
            )
            day = sa.select(table.c.day).where(of_metric).order_by(table.c.day.desc()).limit(1).scalar_subquery()
            named = models.c.model.in_(sorted(names))
            parts.append(sa.select(models.c.model, sa.literal(metric).label("metric"), day.label("day")).where(named))
        pairs = {(row.model, row.metric): row.day for row in self._asked(sa.union_all(*parts)) if row.day is not None}
        there = {model: [metric for metric in metrics if (model, metric) in pairs] for model, metrics in wanted.items()}
        chosen = {model: metrics[0] for model, metrics in there.items() if metrics}
        days = {(model, pairs[model, metric]) for model, metric in chosen.items()}
        query = sa.select(table).where(table.c.metric.in_(sorted(set(chosen.values()))), schema.OF_ALL)
        return {
            row.model: DatedValue(day=row.day, measured=metric_of(row))
            for row in self._at(query, table, days)
            if row.metric == chosen[row.model]
        }

    def unresolved_alerts(self, models: Collection[str] | None = None) -> list[TrackedAlert]:
        """Read the alerts that have not resolved, of some models or of all, the oldest first."""
        query = tracked_query().where(schema.episodes.c.resolved_on.is_(None))
        if models is None:
            return [tracked_of(row) for row in self._asked(query)]
        named = schema.episodes.c.model.in_
        return [tracked_of(row) for some in _parts(sorted(models)) for row in self._asked(query.where(named(some)))]

    def last_messages(self, alerts: Collection[tuple[str, str]]) -> dict[tuple[str, str], SentMessage]:
        """Read the last message that arrived about alerts, each named by its model and fingerprint."""
        table = schema.outbox
        query = sa.select(table.c.model, table.c.fingerprint, table.c.channel, table.c.sent_at)
        query = query.where(table.c.state == DeliveryState.SENT.value, table.c.sent_at.is_not(None))
        named = sa.tuple_(table.c.model, table.c.fingerprint).in_
        found: dict[tuple[str, str], SentMessage] = {}
        for some in _parts(sorted(alerts)):
            for row in self._asked(query.where(named(some)).order_by(table.c.sent_at, table.c.id)):
                found[row.model, row.fingerprint] = SentMessage(channel=row.channel, at=row.sent_at)
        return found

    def undelivered(self, models: Collection[str]) -> list[Undelivered]:
        """Read what could not be delivered of some models, by channel and reason: what was given up first."""
        table = schema.outbox
        waits = sa.and_(table.c.state == DeliveryState.PENDING.value, table.c.error != "")
        reason = [table.c[name] for name in ("model", "channel", "state", "error")]
        days = [sa.func.min(table.c.day).label("first"), sa.func.max(table.c.day).label("last")]
        query = sa.select(*reason, sa.func.count().label("number"), *days).group_by(*reason).order_by(*reason)
        query = query.where(sa.or_(table.c.state == DeliveryState.DEAD.value, waits))
        return [
            Undelivered(
                model=row.model,
                channel=row.channel,
                messages=row.number,
                error=row.error,
                first=row.first,
                last=row.last,
                is_given_up=row.state == DeliveryState.DEAD,
            )
            for some in _parts(sorted(models))
            for row in sorted(
                self._asked(query.where(table.c.model.in_(some))), key=lambda row: row.state != DeliveryState.DEAD
            )
        ]

    def _asked(self, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> Sequence[sa.Row[Any]]:
        with self._database.asking() as connection:
            return connection.execute(query).all()

    def _of_models(
        self, query: sa.Select[Any], table: sa.Table, models: Collection[str], days: tuple[date, date]
    ) -> list[sa.Row[Any]]:
        of_days = query.where(table.c.day.between(*days))
        return [row for some in _parts(sorted(models)) for row in self._asked(of_days.where(table.c.model.in_(some)))]

    def _on(self, query: sa.Select[Any], table: sa.Table, days: Mapping[str, date]) -> list[sa.Row[Any]]:
        return self._at(query, table, days.items())

    def _at(self, query: sa.Select[Any], table: sa.Table, pairs: Collection[tuple[str, date]]) -> list[sa.Row[Any]]:
        """Read the rows of models on days; one condition for each day, because no index serves a list of pairs."""
        found: list[sa.Row[Any]] = []
        for some in _parts(sorted(pairs, key=lambda pair: pair[::-1])):
            by_day = groupby(some, key=lambda pair: pair[1])
            named = (sa.and_(table.c.day == day, table.c.model.in_([model for model, _ in of])) for day, of in by_day)
            found += self._asked(query.where(sa.or_(*named)))
        return found


def _parts(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    return [items[at : at + _MOST_NAMED] for at in range(0, len(items), _MOST_NAMED)]
