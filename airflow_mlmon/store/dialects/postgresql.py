"""PostgreSQL: advisory locks, one for each model."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.store.dialects.dialect import Dialect, server_engine

# SQLSTATE classes: connection lost, out of resources, server going down, deadlock, lock time-out
_PASSING_STATES = ("08", "53", "57P", "40", "55P03")
# of an error while connecting, which has no SQLSTATE
_REFUSED = ("authentication failed", "no password supplied", "does not exist", "permission denied")


class PostgreSQL(Dialect):
    """PostgreSQL, through psycopg."""

    drivers = dict.fromkeys(("postgres", "postgresql", "postgresql+psycopg"), "postgresql+psycopg")

    def make_engine(self, url: sa.URL, wait_s: float) -> sa.Engine:  # noqa: ARG002 - set in each transaction
        """Make an engine."""
        engine = server_engine(url, database="PostgreSQL", package="psycopg", extra="postgres", connect={})
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        return engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state of the database."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextmanager
    def asking(self) -> Iterator[sa.Connection]:
        """Open a connection for one query, without a transaction: that takes half as many messages."""
        with self._single.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, locks: Collection[str], wait_s: float) -> Iterator[sa.Connection]:
        """Open an atomic transaction that holds the locks until it ends."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{wait_s}s'")
            for name in sorted(locks):
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock_number(name))))
            yield connection

    def is_passing(self, error: Any) -> bool:
        """Return whether the server was away or busy, rather than that it refused."""
        if state := getattr(error, "sqlstate", None):
            return str(state).startswith(_PASSING_STATES)
        return not any(words in str(error).lower() for words in _REFUSED)


def _lock_number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"mlmon:{name}".encode()).digest()[:8], "big", signed=True)
