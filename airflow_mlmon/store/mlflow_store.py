"""Part of the metric store that keeps what MLflow said, and what was written back to it.

The version that an alias named on a day is recorded once and never replaced; a source is recorded with each digest that
was accepted of it; an acceptance is written back until MLflow has taken or refused it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.store import schema
from airflow_mlmon.store.actions import action_of
from airflow_mlmon.store.columns import PlainText, UtcDateTime, key_column
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.rows import is_of

model_aliases = sa.Table(
    "mlmon_model_aliases",
    schema.metadata,
    key_column("model"),
    key_column("alias"),
    key_column("day", sa.Date),
    sa.Column("version", PlainText, nullable=False),
    sa.Column("run", PlainText, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

reference_sources = sa.Table(
    "mlmon_reference_sources",
    schema.metadata,
    key_column("model"),
    key_column("number", sa.Integer),
    *(sa.Column(name, PlainText, nullable=False) for name in ("source", "version", "run", "dataset", "digest")),
    sa.Column("at", UtcDateTime, nullable=False),
)

write_backs = sa.Table(
    "mlmon_write_backs",
    schema.metadata,
    key_column("model"),
    key_column("kind"),
    key_column("number", sa.Integer),
    sa.Column("error", PlainText, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVersion:
    """Version of a registered model that an alias named on a day, and its run; empty if it has none."""

    version: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSource:
    """What a reference was read from.

    Attributes:
        source: Address of the model version or run, with the artifact or dataset.
        version: Version of the registered model; empty of a run.
        run: Id of the run.
        dataset: Name and digest of the logged dataset; empty of an artifact.
        digest: SHA-256 of the names and contents of the files.
    """

    source: str
    version: str
    run: str
    dataset: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedChange:
    """Change that somebody accepted as normal, with the number of the action and its subject."""

    number: int
    metric: str
    column: str
    segment: str
    action: Action


class MlflowStore:
    """What MLflow said of the models in a database."""

    _database: Database

    def alias_on(self, model: str, alias: str, day: date) -> NamedVersion | None:
        """Return the version that an alias named on a day.

        A day of which none is recorded has that of the last day before it, or else of the first one after it; None if
        none is recorded.
        """
        table = model_aliases
        of_alias = sa.select(table).where(table.c.model == model, table.c.alias == alias).limit(1)
        with self._database.asking() as connection:
            before = of_alias.where(table.c.day <= day).order_by(table.c.day.desc())
            row = connection.execute(before).first() or connection.execute(of_alias.order_by(table.c.day)).first()
        return None if row is None else NamedVersion(version=row.version, run=row.run)

    def last_alias_day(self, model: str, alias: str) -> date | None:
        """Find the last day of which it is recorded what an alias named; None if there is none."""
        table = model_aliases
        of_alias = sa.and_(table.c.model == model, table.c.alias == alias)
        with self._database.asking() as connection:
            found: date | None = connection.scalar(sa.select(sa.func.max(table.c.day)).where(of_alias))
        return found

    def record_aliases(self, model: str, day: date, named: Mapping[str, NamedVersion], at: datetime) -> None:
        """Record what aliases named on a day; what is recorded already stays."""
        with self._database.writing(model) as connection:
            for alias, found in named.items():
                key = {"model": model, "alias": alias, "day": day}
                if connection.execute(sa.select(model_aliases.c.day).where(is_of(model_aliases, key))).first() is None:
                    row = {**key, "version": found.version, "run": found.run, "at": at}
                    connection.execute(sa.insert(model_aliases).values(row))

    def reference_source(self, model: str, source: str) -> ReferenceSource | None:
        """Return a source as it was last recorded; None if it was not."""
        with self._database.asking() as connection:
            return _source(connection, model, source)

    def record_source(self, model: str, found: ReferenceSource, at: datetime) -> None:
        """Record a source with its digest, unless it is the last one recorded."""
        table = reference_sources
        with self._database.writing(model) as connection:
            if _source(connection, model, found.source) == found:
                return
            last = connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.model == model)) or 0
            row = {name: getattr(found, name) for name in ReferenceSource.__slots__}
            connection.execute(sa.insert(table).values(model=model, number=last + 1, at=at, **row))

    def accepted_changes(self, model: str) -> list[AcceptedChange]:
        """List the changes that people accepted as normal, in the order in which they did."""
        table = schema.actions
        query = sa.select(table).where(table.c.model == model, table.c.kind == ActionKind.ACCEPT.value)
        with self._database.asking() as connection:
            rows = connection.execute(query.order_by(table.c.number)).all()
        return [
            AcceptedChange(
                number=row.number, metric=row.metric, column=row.column, segment=row.segment, action=action_of(row)
            )
            for row in rows
        ]

    def written_back(self, model: str) -> set[tuple[str, int]]:
        """Return the kinds and numbers of the acceptances that MLflow has taken or refused."""
        table = write_backs
        with self._database.asking() as connection:
            rows = connection.execute(sa.select(table.c.kind, table.c.number).where(table.c.model == model))
            return {(row.kind, row.number) for row in rows}

    def mark_written_back(self, model: str, kind: str, number: int, error: str, at: datetime) -> None:
        """Record that MLflow has taken an acceptance, or why it refused it."""
        key = {"model": model, "kind": kind, "number": number}
        with self._database.writing(model) as connection:
            if connection.execute(sa.select(write_backs.c.kind).where(is_of(write_backs, key))).first() is None:
                connection.execute(sa.insert(write_backs).values(**key, error=error, at=at))


def _source(connection: sa.Connection, model: str, source: str) -> ReferenceSource | None:
    table = reference_sources
    query = sa.select(table).where(table.c.model == model, table.c.source == source)
    row = connection.execute(query.order_by(table.c.number.desc()).limit(1)).first()
    return None if row is None else ReferenceSource(**{name: getattr(row, name) for name in ReferenceSource.__slots__})
