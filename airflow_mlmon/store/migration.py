"""Migration of a database to the schema of this release."""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError, ServiceUnavailableError
from airflow_mlmon.store.database import LOCK_WAIT_S, Database
from airflow_mlmon.store.schema import SCHEMA_VERSION, VERSION_TABLE

_SCRIPTS = Path(__file__).parent / "migrations"


def bring_to_head(database: Database) -> None:
    """Create or upgrade the tables, once, however many processes open the store concurrently.

    Raises:
        ConfigError: the store was written by a newer version of the package.
    """
    if is_current(database):
        return
    if database.is_sqlite:
        _write_ahead(database)
    with database.writing("schema") as connection:
        version = _version(connection, database.shown)
        if version != SCHEMA_VERSION:
            _upgrade(connection, version)


def is_current(database: Database) -> bool:
    """Return whether the tables are those of this release."""
    with database.reading() as connection:
        return _version(connection, database.shown) == SCHEMA_VERSION


def _version(connection: sa.Connection, shown: str) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"SELECT max(version_num) FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    if version is not None and version > SCHEMA_VERSION:
        raise ConfigError(
            f"Metric store {shown} has schema {version}; this release supports up to {SCHEMA_VERSION}.",
            hint="upgrade airflow-mlmon",
        )
    return version


def _upgrade(connection: sa.Connection, version: str | None) -> None:
    # importing Alembic takes a third of a second, and only the first run needs it
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(_SCRIPTS))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    steps = list(scripts.iterate_revisions(SCHEMA_VERSION, version or "base"))
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
    context.stamp(scripts, SCHEMA_VERSION)


def _write_ahead(database: Database) -> None:
    """Turn on the write-ahead log, so that readers do not wait for writers.

    SQLite does not wait for its lock here, whatever the time-out, so it is retried.
    """
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            with database.outside_transactions() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except ServiceUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
