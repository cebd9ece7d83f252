"""SQLite: a file, with one writer at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from airflow_mlmon.store.dialects.dialect import Dialect

_BEGIN = "mlmon_sqlite_begin"
_PASSING = ("locked", "busy", "disk i/o error", "is full", "unable to open")


class SQLite(Dialect):
    """SQLite, of which a writer locks the whole file, whatever locks it names."""

    drivers = dict.fromkeys(("sqlite", "sqlite+pysqlite"), "sqlite")

    def make_engine(self, url: sa.URL, wait_s: float) -> sa.Engine:
        """Make an engine that begins transactions by itself."""
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": wait_s})
        sa.event.listen(engine, "connect", _prepare)
        sa.event.listen(engine, "begin", _begin)
        self._wait_s = wait_s
        self._engines = {
            begin: engine.execution_options(**{_BEGIN: begin}) for begin in ("", "BEGIN", "BEGIN IMMEDIATE")
        }
        return engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state of the file."""
        with self._engines["BEGIN"].begin() as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[sa.Connection]:
        """Open a connection for one query, without a transaction."""
        with self._engines[""].connect() as connection:
            yield connection

    @contextmanager
    def writing(self, locks: Collection[str], wait_s: float) -> Iterator[sa.Connection]:  # noqa: ARG002 - one lock for all
        """Open an atomic transaction, the only one that writes."""
        # a writer that begins as a reader fails at once if another was faster, so it must wait at the start
        with self._engines["BEGIN IMMEDIATE"].begin() as connection:
            yield connection

    def is_passing(self, error: Any) -> bool:
        """Return whether the file was locked, or the disk full or away."""
        return any(words in str(error).lower() for words in _PASSING)

    def prepare(self) -> None:
        """Turn on the write-ahead log, so that readers do not wait for writers.

        SQLite does not wait for its lock here, whatever the time-out, so it is retried.
        """
        deadline = time.monotonic() + self._wait_s
        while True:
            try:
                # outside of any transaction
                with self._engines[""].begin() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except exc.OperationalError as error:
                if not self.is_passing(error.orig) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def _prepare(connection: Any, _record: object) -> None:
    # the driver would begin transactions on its own: we begin them ourselves, below
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sa.Connection) -> None:
    if statement := connection.get_execution_options().get(_BEGIN, "BEGIN"):
        connection.exec_driver_sql(statement)
