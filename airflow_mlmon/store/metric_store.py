"""The metric store: nights, their results, alerts and the way to people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Self

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.lifecycle.course import Policy
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import (
    Action,
    Alert,
    CheckOutcome,
    Delivery,
    Family,
    MetricValue,
    Night,
    Results,
    SubjectKey,
    TrackedAlert,
    Verdict,
)
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.store import actions, episodes, history, layouts, outbox, publication, schema
from airflow_mlmon.store.baseline_store import BaselineStore
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.history import Value
from airflow_mlmon.store.layouts import StoredLayout
from airflow_mlmon.store.migration import bring_to_head
from airflow_mlmon.store.outbox import Claim, DeadLetter
from airflow_mlmon.store.rows import (
    alert_of,
    check_of,
    delivery_of,
    delivery_row,
    is_of,
    key_of,
    metric_of,
    night_of,
    verdict_of,
)
from airflow_mlmon.store.schema import BreachState

_POLICY = Policy()


class MetricStore(BaselineStore):
    """The store at a URL: SQLite by default, PostgreSQL in production.

    Opening it creates or upgrades its tables. Days are those on which a partition starts; a range
    holds its first and its last day.
    """

    def __init__(self, url: str, *, must_exist: bool = False) -> None:
        """Open the store; one that must exist is not made.

        Raises:
            NotFoundError: it must exist and does not.
            ConfigError: the URL is wrong, or the store was written by a newer version.
            ServiceUnavailableError: the database cannot be reached or is locked.
            ServiceRejectedError: the database refuses.
        """
        self._database = Database(url, must_exist=must_exist)
        try:
            bring_to_head(self._database)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        """The store's URL, without its password."""
        return f"MetricStore({self._database.shown!r})"

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def publish(
        self,
        night: Night | None,
        results: Sequence[Results],
        *,
        supersedes: str | None,
        versions: Mapping[Partition, str | None] | None = None,
        deliveries: Mapping[Partition, frozenset[str]] | None = None,
        bases: Mapping[date, str] | None = None,
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
    ) -> None:
        """Replace the night, these families of results and their alerts, in one transaction.

        Args:
            night: the new state of the partition; None when only results are replaced.
            results: families of results, of this partition or of others of the model.
            supersedes: the version that was served when the run began.
            versions: by other partitions, the version whose rows their results came from.
            deliveries: by partition, the versions of the deliveries that its labels came from.
            bases: by day, the version of the rows that the night's verdicts rest on.
            channels: the channels on which people are told of alerts that open or resolve.
            policy: when alerts do.

        Raises:
            PartitionConflictError: another run was faster; nothing is written.
            NotFoundError: results of a partition that has no night; nothing is written.
        """
        partitions = [item.partition for item in results] + list(deliveries or {})
        models = {partition.model for partition in (*partitions, *([night.partition] if night else []))}
        with self._database.writing(*models) as connection:
            if night is not None and not publication.move_pointer(connection, night, supersedes):
                return
            if night is not None:
                publication.replace_evaluation_bases(connection, night.partition, bases or {})
            for partition, version in (versions or {}).items():
                publication.rest_on_version(connection, partition, version)
            for partition, delivered in (deliveries or {}).items():
                publication.rest_on_deliveries(connection, partition, delivered)
            for item in results:
                publication.replace_results(connection, item)
            episodes.follow(connection, [(item.partition, item.family) for item in results], channels, policy)

    def record_failure(
        self,
        partition: Partition,
        message: str,
        alert: Alert | None = None,
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
    ) -> None:
        """Mark the night as failed and queue its alert; the served version and its results stay."""
        with self._database.writing(partition.model) as connection:
            publication.write_failure(connection, partition, message)
            publication.write_breaches(connection, [alert] if alert else [])
            episodes.follow(connection, [(partition, Family.PREDICTIONS)], channels, policy)

    def replace_profile(
        self,
        partition: Partition,
        version: str,
        layout: str,
        metrics: Sequence[MetricValue],
        *,
        replaces: Collection[str],
        baselines: Sequence[BaselineFacts],
    ) -> None:
        """Give a night's rows another layout, and replace the metrics that follow from it, in one transaction.

        Verdicts, checks, alerts and the metrics of the labels stay.

        Args:
            partition: the night.
            version: the version of its rows, which stays.
            layout: the layout of their new profile.
            metrics: the metrics of the new profile.
            replaces: names of the metrics that go, whether `metrics` has them or not.
            baselines: what the drift among them was compared with.

        Raises:
            PartitionConflictError: the night has another version by now; nothing is written.
        """
        with self._database.writing(partition.model) as connection:
            publication.rest_on_version(connection, partition, version)
            publication.replace_profile(connection, partition, layout, metrics, replaces)
            publication.replace_baselines(connection, partition, Family.PREDICTIONS, baselines)

    def night(self, partition: Partition) -> Night | None:
        """The state of a partition; None when it never ran."""
        with self._database.reading() as connection:
            return publication.stored_night(connection, partition)

    def nights(self, model: str, first: date, last: date) -> list[Night]:
        """The nights of a range, in the order of the days."""
        query = sa.select(schema.nights).where(_within(schema.nights, model, first, last)).order_by(schema.nights.c.day)
        return [night_of(row) for row in self._rows(query)]

    def evaluation_bases(self, model: str, first: date, last: date) -> dict[date, dict[date, str]]:
        """By each day of a range that was evaluated, the versions of the rows that its verdicts rest on, by day."""
        with self._database.reading() as connection:
            return history.evaluation_bases(connection, model, (first, last))

    def models(self) -> list[str]:
        """The names of the models that have nights."""
        query = sa.select(schema.nights.c.model).distinct().order_by(schema.nights.c.model)
        return [row.model for row in self._rows(query)]

    def metrics(self, model: str, first: date, last: date) -> dict[tuple[date, str, str | None], float | None]:
        """The values of a range, by day, metric and column; those of all rows."""
        table = schema.metrics
        query = sa.select(table.c.day, table.c.metric, table.c.column, table.c.value)
        of_all = sa.and_(_within(table, model, first, last), table.c.segment == "")
        rows = self._rows(query.where(of_all).order_by(table.c.day))
        return {(row.day, row.metric, row.column or None): row.value for row in rows}

    def metric_details(self, model: str, metric: str, first: date, last: date) -> list[tuple[date, MetricValue]]:
        """The values of one metric over a range, of every column, with their details; those of all rows."""
        return self._details(model, metric, first, last, schema.metrics.c.segment == "")

    def segment_rows(self, model: str, first: date, last: date) -> list[tuple[date, MetricValue]]:
        """The rows of every segment over a range, with their details."""
        return self._details(model, ROWS, first, last, schema.metrics.c.segment != "")

    def _details(
        self, model: str, metric: str, first: date, last: date, condition: sa.ColumnElement[bool]
    ) -> list[tuple[date, MetricValue]]:
        table = schema.metrics
        query = sa.select(table).where(_within(table, model, first, last), table.c.metric == metric, condition)
        order = (table.c.day, table.c.column, table.c.segment)
        return [(row.day, metric_of(row)) for row in self._rows(query.order_by(*order))]

    def metric_values(self, partition: Partition) -> list[MetricValue]:
        """The metrics of a partition, of both families, with their details."""
        return [metric_of(row) for row in self._of_partition(schema.metrics, partition, "metric", "column", "segment")]

    def verdicts(self, partition: Partition) -> list[Verdict]:
        """The verdicts of a partition, of both families."""
        return [verdict_of(row) for row in self._of_partition(schema.verdicts, partition, "position")]

    def checks(self, partition: Partition) -> list[CheckOutcome]:
        """The outcomes of the checks of a partition."""
        return [check_of(row) for row in self._of_partition(schema.checks, partition, "position")]

    def history(
        self, model: str, metrics: Sequence[str], before: date, nights: int, segment: str | None = None
    ) -> dict[tuple[str, str | None], list[tuple[date, float]]]:
        """The values of the `nights` calendar days before a day, by metric and column; gaps are left out.

        They are those of a segment, or of all rows.
        """
        days = before - timedelta(days=nights), before - timedelta(days=1)
        found: dict[tuple[str, str | None], list[tuple[date, float]]] = {}
        with self._database.reading() as connection:
            for day, key, value, _ in history.values(connection, model, metrics, days, segment=segment or ""):
                found.setdefault(key[:2], []).append((day, value))
        return found

    def past(self, model: str, metrics: Sequence[str], before: date, nights: int) -> list[Value]:
        """Days, subjects, values and rows of some metrics on the `nights` calendar days before a day.

        They come in the order of the days, of all rows and of every segment; what has no value is left out.
        """
        days = before - timedelta(days=nights), before - timedelta(days=1)
        with self._database.reading() as connection:
            return history.values(connection, model, metrics, days)

    def earliest(self, model: str, metric: str, first: date, last: date, nights: int) -> list[Value]:
        """The same of a metric of all rows, on the first `nights` nights of a range that have a value."""
        with self._database.reading() as connection:
            return history.values(connection, model, [metric], (first, last), segment="", limit=nights)

    def alerts(self, model: str, first: date, last: date, *, include_resolved: bool = False) -> list[Alert]:
        """The alerts of a range, in the order of the days; those of a night as they were judged."""
        alerts, nights = schema.alerts, schema.nights
        joined = sa.and_(alerts.c.model == nights.c.model, alerts.c.day == nights.c.day)
        query = sa.select(alerts, nights.c.start, nights.c.end).join(nights, joined)
        query = query.where(_within(alerts, model, first, last))
        if not include_resolved:
            query = query.where(alerts.c.state == BreachState.OPEN.value)
        order = (alerts.c.day, alerts.c.family.desc(), *(alerts.c[name] for name in ("position", "metric", "column")))
        with self._database.reading() as connection:
            found = [alert_of(row) for row in connection.execute(query.order_by(*order))]
            return episodes.with_standing(connection, [(alert, None) for alert in found])

    def act(
        self,
        model: str,
        fingerprints: Collection[str],
        action: Action,
        *,
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
    ) -> list[TrackedAlert]:
        """Note what somebody did about alerts, all or none, and return how each stands then.

        Raises:
            NotFoundError: there is no such alert.
            StateError: the day has no night, or an alert was not open on it.
        """
        with self._database.writing(model) as connection:
            act = partial(episodes.act, connection, model, action=action, channels=channels, policy=policy)
            return list(map(act, fingerprints))

    def follow_alerts(self, model: str, policy: Policy) -> None:
        """Bring the state of every alert of a model to a policy that is new; nobody is told."""
        with self._database.writing(model) as connection:
            episodes.follow_all(connection, model, policy)

    def tracked_alerts(self, model: str) -> list[TrackedAlert]:
        """The alerts of a model over the nights, each from its first breach until it resolved."""
        with self._database.reading() as connection:
            return episodes.tracked(connection, model)

    def breached_days(
        self, model: str, first: date, last: date, metric: str | None = None
    ) -> dict[SubjectKey, set[date]]:
        """By metric, column and segment, the nights of a range whose verdict was a breach; of one metric, or of all."""
        with self._database.reading() as connection:
            return history.breached_days(connection, model, (first, last), metric)

    def accepted_until(self, model: str, before: date) -> dict[SubjectKey, date]:
        """By metric, column and segment, the last day whose breaches somebody has called normal before a day."""
        with self._database.reading() as connection:
            return actions.accepted_until(connection, model, before)

    def save_delivery(self, delivery: Delivery) -> None:
        """Note a delivery of labels; a later one of the same day replaces it."""
        table, key = schema.deliveries, key_of(delivery.partition)
        with self._database.writing(delivery.partition.model) as connection:
            connection.execute(sa.delete(table).where(is_of(table, key)))
            connection.execute(sa.insert(table).values(delivery_row(delivery)))

    def deliveries(self, model: str, first: date, last: date) -> list[Delivery]:
        """The deliveries of labels of a range, in the order of the days."""
        table = schema.deliveries
        query = sa.select(table).where(_within(table, model, first, last)).order_by(table.c.day)
        return [delivery_of(row) for row in self._rows(query)]

    def save_layout(
        self, model: str, layout_id: str, uri: str, facts: Mapping[str, Any], *, supersedes: str | None = None
    ) -> StoredLayout:
        """Pin a layout in the place of `supersedes`, and return the one that is pinned now.

        When two pin at once the first one wins, and both get its layout.
        """
        with self._database.writing(model) as connection:
            return layouts.pin(connection, model, StoredLayout(layout_id, uri, facts), supersedes)

    def current_layout(self, model: str) -> StoredLayout | None:
        """The layout that is pinned for a model."""
        with self._database.reading() as connection:
            return layouts.latest(connection, model)

    def claim_pending(self, limit: int, now: datetime, *, model: str | None = None) -> list[Claim]:
        """Reserve the alerts of up to `limit` messages (a night on a channel), oldest first."""
        with self._database.writing(model or "outbox") as connection:
            claims = outbox.claim(connection, limit, now, model)
            alerts = episodes.with_standing(connection, [(claim.alert, claim.event) for claim in claims])
            return [replace(claim, alert=alert) for claim, alert in zip(claims, alerts, strict=True)]

    def mark_sent(self, ids: Sequence[int], now: datetime) -> None:
        """Note that the receiver has confirmed these rows of the outbox."""
        with self._database.writing() as connection:
            outbox.mark_sent(connection, ids, now)

    def mark_failed(self, ids: Sequence[int], error: str, now: datetime) -> None:
        """Note that an attempt failed: it is tried again later, or becomes a dead letter."""
        with self._database.writing() as connection:
            outbox.mark_failed(connection, ids, error, now)

    def dead_letters(self, model: str | None = None, *, with_waiting: bool = False) -> list[DeadLetter]:
        """The alerts that could not be delivered, oldest first, and those that wait for their next attempt."""
        with self._database.reading() as connection:
            return outbox.dead_letters(connection, model, with_waiting=with_waiting)

    def retry_dead_letters(self, model: str) -> int:
        """Try the dead letters of a model again, from their first attempt on; how many there were."""
        with self._database.writing(model) as connection:
            return outbox.retry(connection, model)

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def _of_partition(self, table: sa.Table, partition: Partition, *order: str) -> Sequence[sa.Row[Any]]:
        # predictions before labels: what was known first
        columns = (table.c.family.desc(), *(table.c[name] for name in order))
        return self._rows(sa.select(table).where(is_of(table, key_of(partition))).order_by(*columns))


def _within(table: sa.Table, model: str, first: date, last: date) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.model == model, table.c.day.between(first, last))
