"""Database access by URL: SQLite or PostgreSQL, transactions, and errors of our tree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy import exc

from airflow_mlmon.errors import ConfigError, NotFoundError, ServiceError, ServiceRejectedError, ServiceUnavailableError

LOCK_WAIT_S = 30
_SQLITE_BEGIN = "mlmon_sqlite_begin"
_SECRET_OPTIONS = ("password", "sslpassword", "passfile")
# SQLSTATE classes: connection lost, out of resources, server going down, deadlock, lock time-out
_PASSING_STATES = ("08", "53", "57P", "40", "55P03")
_PASSING_SQLITE = ("locked", "busy", "disk i/o error", "is full", "unable to open")
_REFUSED_POSTGRES = ("authentication failed", "no password supplied", "does not exist", "permission denied")


def masked_url(url: str) -> str:
    """Mask the secrets of a URL for logs and pages.

    >>> masked_url("postgresql://mlmon:s3cret@db/metrics")
    'postgresql://mlmon:***@db/metrics'
    """
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        return re.sub(r"(?<=://).*@", "***@", re.sub(r"(?<=password=)[^&]*", "***", url))
    hidden = {name: "***" for name in _SECRET_OPTIONS if name in parsed.query}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


class Database:
    """Engine with read and write transactions.

    A writer locks the whole database (SQLite) or takes the named locks (PostgreSQL). Both wait for at most 30
    seconds.
    """

    def __init__(self, url: str, *, must_exist: bool = False) -> None:
        self.shown = masked_url(url)
        self._url = _parse(url, self.shown)
        if self._url.get_backend_name() == "sqlite":
            path = Path(str(self._url.database))
            if must_exist and not path.exists():
                raise NotFoundError(
                    f"Metric store {self.shown} does not exist.",
                    hint="create it with `mlmon run`, or set its URL with --store or AIRFLOW__MLMON__STORE",
                )
            _make_folder(path.parent)
        self.engine = _engine(self._url)
        self._engines = {
            begin: self.engine.execution_options(**{_SQLITE_BEGIN: begin}) for begin in ("", "BEGIN", "BEGIN IMMEDIATE")
        }

    @property
    def is_sqlite(self) -> bool:
        """Return whether it is an SQLite file."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def outside_transactions(self) -> Iterator[sa.Connection]:
        """Open a connection to SQLite on which each statement is its own transaction."""
        with self._connected("") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state of the store."""
        with self._connected("BEGIN") as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextmanager
    def writing(self, *locks: str) -> Iterator[sa.Connection]:
        """Open an atomic transaction, with one writer at a time for each of the `locks`."""
        # a writer that begins as a reader fails at once if another was faster, so it must wait at the start
        with self._connected("BEGIN IMMEDIATE") as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
                for name in sorted(locks):
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock_number(name))))
            yield connection

    @contextmanager
    def _connected(self, sqlite_begin: str) -> Iterator[sa.Connection]:
        try:
            with self._engines[sqlite_begin].begin() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            self._raise(error)

    def _raise(self, error: exc.SQLAlchemyError) -> NoReturn:
        kind: type[ServiceError] = ServiceUnavailableError if _passes(error) else ServiceRejectedError
        cause = getattr(error, "orig", None) or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        raise kind(f"Metric store {self.shown}: {self._without_secrets(lines[0])}") from error

    def _without_secrets(self, text: str) -> str:
        secrets = {str(self._url.password or ""), *(str(self._url.query.get(name, "")) for name in _SECRET_OPTIONS)}
        for secret in sorted(secrets - {""}, key=len, reverse=True):
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, "***")
        return text


def _parse(url: str, shown: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            f"{shown!r} is not a metric store URL.",
            hint="write sqlite:///folder/store.db or postgresql://user:password@host/database",
        ) from None
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigError(f"{shown!r} is in memory, but the metric store must be persistent.", hint="use a file")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise ConfigError(f"{shown!r}: the metric store must be SQLite or PostgreSQL.")
    return parsed


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceRejectedError(f"Cannot create folder {folder} for the metric store: {error.strerror}.") from error


def _engine(url: sa.URL) -> sa.Engine:
    # values of the data and secrets must not appear in SQLAlchemy's messages
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": LOCK_WAIT_S})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return sa.create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10}, pool_size=2
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            "PostgreSQL needs the package psycopg.", hint="pip install 'airflow-mlmon[postgres]'"
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # the driver would begin transactions on its own: we begin them ourselves, below
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    if statement := connection.get_execution_options().get(_SQLITE_BEGIN, "BEGIN"):
        connection.exec_driver_sql(statement)


def _lock_number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"mlmon:{name}".encode()).digest()[:8], "big", signed=True)


def _passes(error: exc.SQLAlchemyError) -> bool:
    """Return whether the same statement may succeed on a retry."""
    if isinstance(error, exc.TimeoutError) or getattr(error, "connection_invalidated", False):
        return True
    if not isinstance(error, exc.OperationalError | exc.InterfaceError):
        return False
    text = str(error.orig).lower()
    if type(error.orig).__module__.startswith("sqlite3"):
        return any(words in text for words in _PASSING_SQLITE)
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return str(state).startswith(_PASSING_STATES)
    return not any(words in text for words in _REFUSED_POSTGRES)
