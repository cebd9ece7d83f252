"""Part of the metric store that is read for evidence: plans, actions, messages, and the bundles that were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.fleet import BundleEntry, MonitoringPlan
from airflow_mlmon.records import Action, Family, SubjectKey
from airflow_mlmon.store import evidence_tables, profile_schemas, schema
from airflow_mlmon.store.actions import action_of
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.profile_schemas import StoredSchema
from airflow_mlmon.store.range_store import within
from airflow_mlmon.store.rows import subject_of

_bundles, _outbox = evidence_tables.bundles, schema.outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAction:
    """Action on an alert; `number` counts the actions of the model."""

    number: int
    fingerprint: str
    subject: SubjectKey
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """Notification of an alert on a channel, sent or not.

    Attributes:
        day: Day of its message.
        breach: Breaching day that it is about.
        state: Delivery state.
        sent_at: When the receiver confirmed it; None if it has not.
        error: Error of the last attempt.
    """

    day: date
    breach: date
    event: str
    fingerprint: str
    channel: str
    state: str
    attempts: int
    sent_at: datetime | None
    error: str


class EvidenceStore:
    """What was kept about the models of a database, for whoever has to show it."""

    _database: Database

    def plans(self, model: str) -> dict[str, MonitoringPlan]:
        """Read every monitoring plan that results of a model were made under, by id."""
        table = evidence_tables.plans
        query = sa.select(table).where(table.c.model == model).order_by(table.c.plan)
        return {row.plan: MonitoringPlan(id=row.plan, content=row.content) for row in self._found(query)}

    def plans_of_days(self, model: str, first: date, last: date) -> dict[tuple[date, Family], str]:
        """Read the ids of the plans that the results of a range were made under, by day and family."""
        table = evidence_tables.result_plans
        query = sa.select(table).where(within(table, model, first, last))
        return {(row.day, Family(row.family)): row.plan for row in self._found(query)}

    def alert_actions(self, model: str) -> list[AlertAction]:
        """Read all actions on a model's alerts, in the order in which they were taken."""
        table = schema.actions
        query = sa.select(table).where(table.c.model == model).order_by(table.c.number)
        return [
            AlertAction(number=row.number, fingerprint=row.fingerprint, subject=subject_of(row), action=action_of(row))
            for row in self._found(query)
        ]

    def messages(self, model: str, first: date, last: date) -> list[OutboxMessage]:
        """Read the notifications of a range of days, in the order of the outbox, withdrawn ones too."""
        query = sa.select(_outbox).where(within(_outbox, model, first, last)).order_by(_outbox.c.id)
        names = OutboxMessage.__slots__
        return [OutboxMessage(**{name: getattr(row, name) for name in names}) for row in self._found(query)]

    def schemas(self, model: str) -> list[StoredSchema]:
        """Read every profile schema that was pinned for a model, in the order of the pins."""
        with self._database.asking() as connection:
            return profile_schemas.pinned(connection, model)

    def bundles(self, model: str) -> list[BundleEntry]:
        """Read which evidence bundles of a model were made, oldest first."""
        query = sa.select(_bundles).where(_bundles.c.model == model).order_by(_bundles.c.number)
        names = BundleEntry.__slots__
        return [BundleEntry(**{name: getattr(row, name) for name in names}) for row in self._found(query)]

    def add_bundle(self, model: str, entry: BundleEntry) -> None:
        """Register an evidence bundle; entries are never changed."""
        with self._database.writing(model) as connection:
            of_model = sa.select(sa.func.max(_bundles.c.number)).where(_bundles.c.model == model)
            number = (connection.scalar(of_model) or 0) + 1
            row = {name: getattr(entry, name) for name in BundleEntry.__slots__}
            connection.execute(sa.insert(_bundles).values(model=model, number=number, **row))

    def _found(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._database.asking() as connection:
            return connection.execute(query).all()
