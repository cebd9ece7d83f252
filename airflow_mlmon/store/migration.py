"""Migration of a database to the schema of this release, and back to that of an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.store import schema
from airflow_mlmon.store.completion import complete_tables
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.schema import SCHEMA_VERSION, VERSION_TABLE
from airflow_mlmon.store.views import drop_views, renew_views

_PACKAGE = "airflow-mlmon"
_SCRIPTS = Path(__file__).parent / "migrations"
# no earlier release has written to a database whose changes of tables are not undone
_FIRST_COMPLETED = "0016"
_FIRST = "0001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Step between two schemas: the later one, what it brought, and what taking it back does."""

    revision: str
    brought: str
    taken_back: str


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
            _note_release(connection)
    renew_views(database)


def is_current(database: Database) -> bool:
    """Return whether the tables are those of this release."""
    return read_revision(database) == SCHEMA_VERSION


def read_revision(database: Database) -> str | None:
    """Return the schema of a store; None if it has no tables yet.

    Raises:
        ConfigError: the store was written by a newer version of the package.
    """
    with database.reading() as connection:
        return _version(connection, database.shown)


def list_migrations(database: Database, target: str) -> list[Migration]:
    """List the steps from the schema of a store back to an earlier one, the latest first.

    Raises:
        ConfigError: there is no such schema, or none of this kind of database.
    """
    version = read_revision(database)
    first = _FIRST if database.dialect.is_ddl_transactional else _FIRST_COMPLETED
    last = version or _FIRST
    if not target.isdigit() or not first <= target.zfill(len(first)) <= last:
        raise ConfigError(
            f"Metric store {database.shown} cannot be taken back to schema {target!r}.",
            hint=f"give one from {first} to {last}",
        )
    return [_describe(step) for step in _scripts().iterate_revisions(last, target.zfill(len(first)))]


def take_back(database: Database, target: str) -> None:
    """Take the tables back to an earlier schema, with what only later ones hold; views are made anew by the next run.

    Raises:
        ConfigError: there is no such schema, or none of this kind of database.
    """
    steps = list_migrations(database, target)
    drop_views(database)
    with database.writing("schema") as connection, _operations(connection) as context:
        scripts = _scripts()
        if not database.dialect.is_ddl_transactional and steps:
            # a step of an earlier call may have been left half taken back
            complete_tables(connection)
        for step in steps:
            script = scripts.get_revision(step.revision)
            script.module.downgrade()
            context.stamp(scripts, str(script.down_revision))


def _version(connection: sa.Connection, shown: str) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"SELECT max(version_num) FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    if version is not None and version > SCHEMA_VERSION:
        release = _release_of(connection, version)
        wanted = f"airflow-mlmon>={release}" if release else "a later airflow-mlmon"
        back = f"mlmon store downgrade --to {SCHEMA_VERSION}"
        raise ConfigError(
            f"Metric store {shown} has schema {version}{f' of airflow-mlmon {release}' if release else ''}; "
            f"{_PACKAGE} {version_of(_PACKAGE)} supports up to {SCHEMA_VERSION}.",
            hint=f"install {wanted} here, or take the store back with its `{back}`",
            release=release,
        )
    return version


def _release_of(connection: sa.Connection, version: str) -> str | None:
    """Return the release that brought the store to a schema; None if it is not told."""
    table = schema.releases
    if not sa.inspect(connection).has_table(table.name):
        return None
    return connection.scalar(sa.select(table.c.release).where(table.c.revision == version))


def _note_release(connection: sa.Connection) -> None:
    table = schema.releases
    # an earlier schema, to which a store is brought in tests, has no such table
    if not sa.inspect(connection).has_table(table.name):
        return
    connection.execute(sa.delete(table).where(table.c.revision == SCHEMA_VERSION))
    connection.execute(sa.insert(table).values(revision=SCHEMA_VERSION, release=version_of(_PACKAGE)))


def _upgrade(database: Database, connection: sa.Connection, version: str | None) -> None:
    scripts = _scripts()
    with _operations(connection) as context:
        if database.dialect.is_ddl_transactional:
            for step in reversed(list(scripts.iterate_revisions(SCHEMA_VERSION, version or "base"))):
                step.module.upgrade()
        else:
            complete_tables(connection)
        context.stamp(scripts, SCHEMA_VERSION)


def _scripts() -> Any:
    # importing Alembic takes a third of a second, and only the first run needs it
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return ScriptDirectory(str(_SCRIPTS))


@contextmanager
def _operations(connection: sa.Connection) -> Iterator[Any]:
    """Let the scripts change the tables through a connection."""
    from alembic.migration import MigrationContext  # noqa: PLC0415 - slow to import
    from alembic.operations import Operations  # noqa: PLC0415

    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    with Operations.context(context):
        yield context


def _describe(script: Any) -> Migration:
    brought, taken = (
        " ".join((text or "").split("\n\n")[0].split()) for text in (script.doc, script.module.downgrade.__doc__)
    )
    return Migration(revision=script.revision, brought=brought, taken_back=taken)
