"""Migration of a database to the schema of this release."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.store.completion import complete_tables
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.schema import SCHEMA_VERSION, VERSION_TABLE
from airflow_mlmon.store.views import renew_views

_SCRIPTS = Path(__file__).parent / "migrations"


def bring_to_head(database: Database) -> None:
    """Create or upgrade the tables, once, however many processes open the store concurrently.

    Raises:
        ConfigError: the store was written by a newer version of the package.
    """
    if is_current(database):
        return
    database.prepare()
    with database.writing("schema") as connection:
        version = _version(connection, database.shown)
        if version != SCHEMA_VERSION:
            _upgrade(database, connection, version)
    renew_views(database)


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


def _upgrade(database: Database, connection: sa.Connection, version: str | None) -> None:
    # importing Alembic takes a third of a second, and only the first run needs it
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory(str(_SCRIPTS))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    if database.dialect.is_ddl_transactional:
        steps = list(scripts.iterate_revisions(SCHEMA_VERSION, version or "base"))
        with Operations.context(context):
            for step in reversed(steps):
                step.module.upgrade()
    else:
        complete_tables(connection)
    context.stamp(scripts, SCHEMA_VERSION)
