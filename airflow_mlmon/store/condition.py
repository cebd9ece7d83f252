"""Condition of a metric store, which is neither created, nor upgraded, nor changed by looking at it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.migration import read_revision
from airflow_mlmon.store.schema import SCHEMA_VERSION, DeliveryState

_NOW = {"postgresql": "SELECT now()", "mysql": "SELECT utc_timestamp(6)"}
# the oldest of MySQL's kinds that have all that is asked of them
_OLDEST = {"MySQL": (8,), "MariaDB": (10, 6)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCondition:
    """Condition of a store.

    Attributes:
        shown: Its URL without secrets.
        revision: Schema of its tables; None if it has none yet.
        is_current: Whether that is the schema of this release.
        server: Kind and version of the database.
        is_old: Whether that version is older than any that is supported.
        now: Time of the server; None of a file.
        lost: Number of messages that nobody will be sent without a further call; 0 unless the schema is current.
    """

    shown: str
    revision: str | None
    is_current: bool
    server: str
    is_old: bool
    now: datetime | None
    lost: int = 0


def inspect_store(url: str) -> StoreCondition:
    """Look at a store, and try whether it may be written to.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: the URL is wrong, or the store was written by a later release.
        ServiceError: the database cannot be reached, or refuses to read or to write.
    """
    with closing(Database(url, must_exist=True)) as database:
        revision = read_revision(database)
        with database.writing("doctor") as connection:
            if revision is not None:
                # of no row, so that nothing is changed, but who may not delete is told so
                connection.execute(sa.text(f"DELETE FROM {schema.VERSION_TABLE} WHERE 1 = 0"))  # noqa: S608 - constant
            server, is_old = _describe(connection)
            said = _NOW.get(connection.dialect.name)
            moment = connection.scalar(sa.text(said)) if said else None
            is_current = revision == SCHEMA_VERSION
            lost = _count_lost(connection) if is_current else 0
        return StoreCondition(
            shown=database.shown,
            revision=revision,
            is_current=is_current,
            server=server,
            is_old=is_old,
            now=_in_utc(moment),
            lost=lost,
        )


def read_hash_key(url: str, model: str) -> str:
    """Return the id of the key with which a model's personal columns were hashed last; empty if it is not known.

    Raises:
        ConfigError: the URL is wrong, or the store was written by a later release.
        ServiceError: the database cannot be reached.
    """
    try:
        with closing(Database(url, must_exist=True)) as database:
            if read_revision(database) != SCHEMA_VERSION:
                return ""
            asked = sa.select(schema.models.c.hash_key).where(schema.models.c.model == model)
            with database.reading() as connection:
                return connection.scalar(asked) or ""
    except NotFoundError:
        return ""


def _describe(connection: sa.Connection) -> tuple[str, bool]:
    dialect = connection.dialect
    kind = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(dialect.name, "MySQL")
    if getattr(dialect, "is_mariadb", False):
        kind = "MariaDB"
    numbers = tuple(part for part in dialect.server_version_info or () if isinstance(part, int))
    return f"{kind} {'.'.join(map(str, numbers[:3]))}", numbers < _OLDEST.get(kind, ())


def _count_lost(connection: sa.Connection) -> int:
    is_dead = schema.outbox.c.state == DeliveryState.DEAD.value
    return connection.scalar(sa.select(sa.func.count()).select_from(schema.outbox).where(is_dead)) or 0


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
