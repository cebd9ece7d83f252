"""Part of the metric store that keeps the monitored models, and the audit trail of their days."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.fleet import AuditEntry, AuditKind, RegisteredModel
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.views import keep_view

_models, _audit = schema.models, schema.audit


class FleetStore:
    """Monitored models of a database."""

    _database: Database

    def register(self, found: RegisteredModel) -> RegisteredModel | None:
        """Record a model as its spec describes it now, with its view; nothing is written if nothing has changed.

        The key of its last run stays where none is given.

        Returns:
            The record before; None if there was none.
        """
        with self._database.asking() as connection:
            before = _registered(connection, found.model)
        if before is not None and not found.hash_key:
            found = replace(found, hash_key=before.hash_key)
        if before != found:
            with self._database.writing(found.model) as connection:
                connection.execute(sa.delete(_models).where(_models.c.model == found.model))
                connection.execute(sa.insert(_models).values(_row_of(found)))
        if not found.error:
            keep_view(self._database, found.model)
        return before

    def register_error(self, model: str, spec: str, error: str) -> None:
        """Record that the spec of a model cannot be loaded; what was known of the model stays."""
        with self._database.asking() as connection:
            before = _registered(connection, model) or RegisteredModel(model=model)
        self.register(replace(before, spec=spec, error=error))

    def unregister(self, model: str) -> None:
        """Take a model off the list of models; its days stay, and its next run registers it again."""
        with self._database.writing(model) as connection:
            connection.execute(sa.delete(_models).where(_models.c.model == model))

    def registered(self) -> list[RegisteredModel]:
        """List the models that were registered, by name."""
        with self._database.asking() as connection:
            rows = connection.execute(sa.select(_models).order_by(_models.c.model))
            return [_model_of(row) for row in rows]

    def add_to_audit(self, model: str, entry: AuditEntry) -> None:
        """Add an entry to the audit trail of a model; entries are never changed."""
        with self._database.writing(model) as connection:
            add_entry(connection, model, entry)

    def audit(self, model: str) -> list[AuditEntry]:
        """Read the audit trail of a model, oldest entry first."""
        query = sa.select(_audit).where(_audit.c.model == model).order_by(_audit.c.number)
        with self._database.asking() as connection:
            return [_entry_of(row) for row in connection.execute(query)]


def add_entry(connection: sa.Connection, model: str, entry: AuditEntry) -> None:
    """Add an entry to the audit trail, inside the transaction of the caller."""
    last = connection.scalar(sa.select(sa.func.max(_audit.c.number)).where(_audit.c.model == model)) or 0
    row = {name: getattr(entry, name) for name in ("day", "who", "why", "detail", "at")}
    connection.execute(sa.insert(_audit).values(model=model, number=last + 1, kind=entry.kind.value, **row))


def _registered(connection: sa.Connection, model: str) -> RegisteredModel | None:
    row = connection.execute(sa.select(_models).where(_models.c.model == model)).first()
    return None if row is None else _model_of(row)


def _row_of(found: RegisteredModel) -> dict[str, Any]:
    row = {name: getattr(found, name) for name in RegisteredModel.__slots__}
    return {**row, "tags": json.dumps(found.tags, ensure_ascii=False)}


def _model_of(row: sa.Row[Any]) -> RegisteredModel:
    return RegisteredModel(**{**row._mapping, "tags": tuple(json.loads(row.tags))})  # noqa: SLF001 - public in SQLAlchemy


def _entry_of(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(kind=AuditKind(row.kind), day=row.day, who=row.who, why=row.why, detail=row.detail, at=row.at)
