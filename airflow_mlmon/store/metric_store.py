"""Metric store: partitions, their results, alerts and the outbox of notifications."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any, Self

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.fleet import MonitoringPlan
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import (
    Action,
    Alert,
    CheckOutcome,
    Family,
    MetricValue,
    PartitionState,
    Results,
    SubjectKey,
    Verdict,
)
from airflow_mlmon.store import actions, episodes, history, outbox, plans, profile_schemas, publication, schema
from airflow_mlmon.store.across_models import AcrossModels
from airflow_mlmon.store.baseline_store import BaselineStore
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.delivery_store import DeliveryStore
from airflow_mlmon.store.digest_store import DigestStore
from airflow_mlmon.store.evidence_store import EvidenceStore
from airflow_mlmon.store.fleet_store import FleetStore
from airflow_mlmon.store.forgetting import Forgetting
from airflow_mlmon.store.history import Value
from airflow_mlmon.store.metric_pruning import MetricPruning
from airflow_mlmon.store.migration import bring_to_head
from airflow_mlmon.store.mlflow_store import MlflowStore
from airflow_mlmon.store.outbox import Claim, DeadLetter
from airflow_mlmon.store.profile_schemas import StoredSchema
from airflow_mlmon.store.range_store import RangeStore
from airflow_mlmon.store.rows import (
    alert_of,
    check_of,
    is_of,
    key_of,
    metric_of,
    partition_of,
    verdict_of,
)
from airflow_mlmon.store.schema import BreachState
from airflow_mlmon.store.statements import bound, bound_range, has_key, in_range
from airflow_mlmon.store.step_store import StepStore

_POLICY = Policy()


class MetricStore(
    RangeStore,
    BaselineStore,
    DeliveryStore,
    DigestStore,
    EvidenceStore,
    FleetStore,
    MlflowStore,
    AcrossModels,
    MetricPruning,
    Forgetting,
    StepStore,
):
    """Metric store at a URL: SQLite by default, PostgreSQL, MySQL 8 or MariaDB in production.

    Opening it creates or upgrades its tables. A day is the one on which a partition starts; a range includes
    its first and its last day.
    """

    def __init__(self, url: str, *, must_exist: bool = False) -> None:
        """Open the store; with `must_exist` it is not created.

        Raises:
            NotFoundError: the store must exist, but does not.
            ConfigError: the URL is invalid, or the store was written by a newer version.
            ServiceUnavailableError: the database cannot be reached or is locked.
            ServiceRejectedError: the database refuses the request.
        """
        self._database = Database(url, must_exist=must_exist)
        try:
            bring_to_head(self._database)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    @property
    def address(self) -> str:
        """Return the store's URL, without its password."""
        return self._database.shown

    def __repr__(self) -> str:
        """Return the store's address."""
        return f"MetricStore({self.address!r})"

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def publish(
        self,
        state: PartitionState | None,
        results: Sequence[Results],
        *,
        supersedes: str | None,
        versions: Mapping[Partition, str | None] | None = None,
        deliveries: Mapping[Partition, frozenset[str]] | None = None,
        bases: Mapping[date, str] | None = None,
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
        plan: MonitoringPlan | None = None,
    ) -> None:
        """Replace the record of a partition, families of results and their alerts, in one transaction.

        Args:
            state: new record of the partition; None if only results are replaced.
            results: families of results, of this partition or of others of the model; of a day each once.
            supersedes: version that was served when the run began.
            versions: by other partition, the version whose rows their results came from.
            deliveries: by partition, the versions of the deliveries of its labels.
            bases: by day, the version of the rows that the verdicts rest on.
            channels: channels to notify of alerts that open or resolve.
            policy: thresholds for opening and closing alerts.
            plan: monitoring plan that the results were made under.

        Raises:
            PartitionConflictError: another run was faster; nothing is written.
            NotFoundError: results of a partition without a record; nothing is written.
        """
        partitions = [item.partition for item in results] + list(deliveries or {})
        models = {partition.model for partition in (*partitions, *([state.partition] if state else []))}
        with self._database.writing(*models) as connection:
            if state is not None and not publication.move_pointer(connection, state, supersedes):
                return
            if state is not None:
                publication.replace_evaluation_bases(connection, state.partition, bases or {})
            for partition, version in (versions or {}).items():
                publication.rest_on_version(connection, partition, version)
            for partition, delivered in (deliveries or {}).items():
                publication.rest_on_deliveries(connection, partition, delivered)
            publication.replace_results(connection, results)
            plans.note_plan(connection, [(item.partition, item.family) for item in results], plan)
            episodes.follow(connection, [(item.partition, item.family) for item in results], channels, policy)

    def record_failure(
        self,
        partition: Partition,
        message: str,
        alert: Alert | None = None,
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
    ) -> None:
        """Mark the partition as failed and queue its alert; the served version and its results are unchanged."""
        with self._database.writing(partition.model) as connection:
            publication.write_failure(connection, partition, message)
            publication.write_breaches(connection, [alert] if alert else [])
            episodes.follow(connection, [(partition, Family.PREDICTIONS)], channels, policy)

    def keep_log(self, partition: Partition, log: str) -> None:
        """Set the address of the log of a partition's last run; empty if there is none."""
        with self._database.writing(partition.model) as connection:
            table = schema.partitions
            connection.execute(sa.update(table).where(is_of(table, key_of(partition))).values(log=log or None))

    def replace_profile(
        self,
        partition: Partition,
        version: str,
        profile_schema: str,
        metrics: Sequence[MetricValue],
        *,
        replaces: Collection[str],
        baselines: Sequence[BaselineFacts],
    ) -> None:
        """Set another profile schema for a partition's rows and replace their metrics, in one transaction.

        Verdicts, checks, alerts and the metrics of the labels are unchanged.

        Args:
            partition: partition of the rows.
            version: version of its rows, which is unchanged.
            profile_schema: id of the schema of their new profile.
            metrics: metrics of the new profile.
            replaces: names of the metrics to delete, whether `metrics` has them or not.
            baselines: baselines that the drift among them was measured against.

        Raises:
            PartitionConflictError: the partition has another version by now; nothing is written.
        """
        with self._database.writing(partition.model) as connection:
            publication.rest_on_version(connection, partition, version)
            publication.replace_profile(connection, partition, profile_schema, metrics, replaces)
            publication.replace_baselines(connection, partition, Family.PREDICTIONS, baselines)

    def state(self, partition: Partition) -> PartitionState | None:
        """Read the record of a partition; None if it never ran."""
        with self._database.asking() as connection:
            return publication.stored_day(connection, partition)

    def states(self, model: str, first: date, last: date) -> list[PartitionState]:
        """Read the records of a range, in the order of the days."""
        with self._database.asking() as connection:
            found = connection.execute(_days_query(), bound_range(model, first, last)).all()
        return [partition_of(row) for row in found]

    def evaluation_bases(
        self, model: str, first: date, last: date, since: date | None = None
    ) -> dict[date, dict[date, str]]:
        """Read, by evaluated day of a range, the versions of the rows that its verdicts rest on, by day since one."""
        with self._database.asking() as connection:
            return history.evaluation_bases(connection, model, (first, last), since)

    def bases_before(self, model: str, first: date, last: date, before: date) -> set[tuple[date, str]]:
        """Read the days before one that verdicts of a range rest on, with the versions of their rows then."""
        with self._database.asking() as connection:
            return history.bases_before(connection, model, (first, last), before)

    def models(self) -> list[str]:
        """List the names of the models that have partitions."""
        query = sa.select(schema.partitions.c.model).distinct().order_by(schema.partitions.c.model)
        return [row.model for row in self._rows(query)]

    def metric_values(self, partition: Partition) -> list[MetricValue]:
        """Read the metrics of a partition, of both families, with their details."""
        return [metric_of(row) for row in self._of_partition(schema.metrics, partition, "metric", "column", "segment")]

    def verdicts(self, partition: Partition) -> list[Verdict]:
        """Read the verdicts of a partition, of both families."""
        return [verdict_of(row) for row in self._of_partition(schema.verdicts, partition, "position")]

    def checks(self, partition: Partition) -> list[CheckOutcome]:
        """Read the check outcomes of a partition."""
        return [check_of(row) for row in self._of_partition(schema.checks, partition, "position")]

    def history(
        self, model: str, metrics: Sequence[str], before: date, days: int, segment: str | None = None
    ) -> dict[tuple[str, str | None], list[tuple[date, float]]]:
        """Read the values of the `days` calendar days before a day, by metric and column; gaps are left out.

        They are those of a segment, or of all rows.
        """
        window = before - timedelta(days=days), before - timedelta(days=1)
        found: dict[tuple[str, str | None], list[tuple[date, float]]] = {}
        with self._database.asking() as connection:
            for day, key, value, _ in history.read_values(connection, model, metrics, window, segment=segment or ""):
                found.setdefault(key[:2], []).append((day, value))
        return found

    def past(self, model: str, metrics: Sequence[str], before: date, days: int) -> list[Value]:
        """Read days, subjects, values and rows of some metrics on the `days` calendar days before a day.

        They are in the order of the days, of all rows and of every segment; missing values are left out.
        """
        window = before - timedelta(days=days), before - timedelta(days=1)
        with self._database.asking() as connection:
            return history.read_values(connection, model, metrics, window)

    def earliest(self, model: str, metrics: Mapping[str, tuple[date, int]], last: date) -> dict[str, list[Value]]:
        """Read the same of metrics of all rows up to a day, each from a day on and at most so many values."""
        with self._database.asking() as connection:
            return history.read_first(connection, model, metrics, last)

    def alerts(self, model: str, first: date, last: date, *, include_resolved: bool = False) -> list[Alert]:
        """Read the alerts of a range, in the order of the days and, within a day, of the evaluation."""
        query = _alerts_query(include_resolved=include_resolved)
        with self._database.reading() as connection:
            found = [alert_of(row) for row in connection.execute(query, bound_range(model, first, last))]
            return episodes.with_lifecycle(connection, [(alert, None) for alert in found])

    def act(
        self,
        model: str,
        fingerprints: Collection[str],
        action: Action,
        *,
        others: Collection[str] = (),
        channels: Sequence[str] = (),
        policy: Policy = _POLICY,
    ) -> list[TrackedAlert]:
        """Record an action on alerts, all or none, and return the state of each.

        `others` have breached without being open; the action is recorded of them too.

        Raises:
            NotFoundError: an alert does not exist.
            StateError: the day was not run, or an alert was not open on it.
        """
        with self._database.writing(model) as connection:
            act = partial(episodes.record_action, connection, model, action=action, channels=channels, policy=policy)
            episodes.record_aside(connection, model, others, action, policy)
            return list(map(act, fingerprints))

    def follow_alerts(self, model: str, policy: Policy) -> None:
        """Recompute the state of every alert of a model under a new policy, without notifications."""
        with self._database.writing(model) as connection:
            episodes.follow_all(connection, model, policy)

    def tracked_alerts(self, model: str, fingerprints: Collection[str] | None = None) -> list[TrackedAlert]:
        """Read the alerts of a model over the days, each from its first breach until it resolved; some or all."""
        with self._database.asking() as connection:
            return episodes.tracked(connection, model, fingerprints)

    def breached_days(
        self, model: str, first: date, last: date, metric: str | None = None
    ) -> dict[SubjectKey, set[date]]:
        """Find, by metric, column and segment, the breaching days of a range; of one metric, or of all."""
        with self._database.asking() as connection:
            return history.breached_days(connection, model, (first, last), metric)

    def accepted_until(self, model: str, before: date) -> dict[SubjectKey, date]:
        """Find, by metric, column and segment, the last day whose breaches were accepted as normal before a day."""
        with self._database.asking() as connection:
            return actions.accepted_until(connection, model, before)

    def save_schema(
        self, model: str, schema_id: str, uri: str, fingerprint: str, *, supersedes: str | None = None
    ) -> StoredSchema:
        """Pin a profile schema in place of `supersedes`, and return the pinned one.

        Of two concurrent calls the first wins, and both get its schema.
        """
        with self._database.writing(model) as connection:
            return profile_schemas.pin(connection, model, StoredSchema(schema_id, uri, fingerprint), supersedes)

    def current_schema(self, model: str) -> StoredSchema | None:
        """Read the pinned profile schema of a model."""
        with self._database.asking() as connection:
            return profile_schemas.latest(connection, model)

    def claim_pending(self, limit: int, now: datetime, *, model: str | None = None) -> list[Claim]:
        """Claim the alerts of up to `limit` messages (a day on a channel), oldest first."""
        with self._database.writing(model or "outbox") as connection:
            claims = outbox.claim(connection, limit, now, model)
            alerts = episodes.with_lifecycle(connection, [(claim.alert, claim.event) for claim in claims])
            return [replace(claim, alert=alert) for claim, alert in zip(claims, alerts, strict=True)]

    def mark_sent(self, ids: Sequence[int], now: datetime) -> None:
        """Record that the receiver has confirmed these rows of the outbox."""
        with self._database.writing() as connection:
            outbox.mark_sent(connection, ids, now)

    def mark_failed(self, ids: Sequence[int], error: str, now: datetime) -> None:
        """Record a failed attempt: it is retried later, or becomes a dead letter."""
        with self._database.writing() as connection:
            outbox.mark_failed(connection, ids, error, now)

    def dead_letters(self, model: str | None = None, *, with_waiting: bool = False) -> list[DeadLetter]:
        """List the alerts that could not be delivered, oldest first, and those waiting for their next attempt."""
        with self._database.asking() as connection:
            return outbox.dead_letters(connection, model, with_waiting=with_waiting)

    def retry_dead_letters(self, model: str) -> int:
        """Retry the dead letters of a model from their first attempt, and return their number."""
        with self._database.writing(model) as connection:
            return outbox.retry(connection, model)

    def _of_partition(self, table: sa.Table, partition: Partition, *order: str) -> Sequence[sa.Row[Any]]:
        with self._database.asking() as connection:
            return connection.execute(_results_query(table, *order), bound(key_of(partition))).all()


@cache
def _days_query() -> sa.Select[tuple[Any, ...]]:
    return sa.select(schema.partitions).where(in_range(schema.partitions)).order_by(schema.partitions.c.day)


@cache
def _alerts_query(*, include_resolved: bool) -> sa.Select[tuple[Any, ...]]:
    alerts, days = schema.alerts, schema.partitions
    joined = sa.and_(alerts.c.model == days.c.model, alerts.c.day == days.c.day)
    query = sa.select(alerts, days.c.start, days.c.end, days.c.zone).join(days, joined).where(in_range(alerts))
    if not include_resolved:
        query = query.where(alerts.c.state == BreachState.OPEN.value)
    order = (alerts.c.day, alerts.c.family.desc(), *(alerts.c[name] for name in ("position", "metric", "column")))
    return query.order_by(*order)


@cache
def _results_query(table: sa.Table, *order: str) -> sa.Select[tuple[Any, ...]]:
    # predictions before labels: in the order in which they become known
    columns = (table.c.family.desc(), *(table.c[name] for name in order))
    return sa.select(table).where(has_key(table, "model", "day")).order_by(*columns)
