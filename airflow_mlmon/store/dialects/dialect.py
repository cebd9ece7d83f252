"""What the metric store asks of a kind of database."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import exc

from airflow_mlmon.errors import ConfigError

_USED = "mlmon_used"


class Dialect(ABC):
    """Connections, transactions, locks and errors of one kind of database.

    Attributes:
        drivers: Names of SQLAlchemy that a URL may begin with, each with the one that is used.
        is_ddl_transactional: Whether a migration that stops halfway leaves no table behind.
    """

    drivers: ClassVar[Mapping[str, str]]
    is_ddl_transactional: ClassVar[bool] = True

    def __init__(self, url: sa.URL, wait_s: float) -> None:
        """Make the engine; no connection is opened, and none waits longer than that for a lock."""
        self.engine = self.make_engine(url, wait_s)

    @abstractmethod
    def make_engine(self, url: sa.URL, wait_s: float) -> sa.Engine:
        """Make an engine whose messages hide values."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction that sees one state of the database and writes nothing."""

    def asking(self) -> AbstractContextManager[sa.Connection]:
        """Open a connection for one query, which sees one state of the database by itself."""
        return self.reading()

    @abstractmethod
    def writing(self, locks: Collection[str], wait_s: float) -> AbstractContextManager[sa.Connection]:
        """Open an atomic transaction, with one writer at a time for each of the `locks`."""

    @abstractmethod
    def is_passing(self, error: Any) -> bool:
        """Return whether the same statement may succeed on a retry, by the driver's operational error."""

    def hint(self, error: Any) -> str:  # noqa: ARG002 - of those that know one
        """Return what to do about a driver's error; "" if it is not known."""
        return ""

    def prepare(self) -> None:  # noqa: B027 - of those that have something to set
        """Set what is kept in the database itself, before its tables are made."""


# a server seldom goes away between two queries of a run, and each test of a connection takes as long as a query
TESTED_AFTER_S = 10


def server_engine(url: sa.URL, *, database: str, package: str, extra: str, connect: Mapping[str, Any]) -> sa.Engine:
    """Make an engine of a server, whose connections are tested before use if they were idle for a while.

    Raises:
        ConfigError: its driver is not installed.
    """
    try:
        # values of the data and secrets must not appear in SQLAlchemy's messages
        engine = sa.create_engine(
            url, hide_parameters=True, connect_args={"connect_timeout": 10, **connect}, pool_size=2
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{database} needs the package {package}.", hint=f"pip install 'airflow-mlmon[{extra}]'"
        ) from error
    sa.event.listen(engine, "checkin", _note_use)
    sa.event.listen(engine, "checkout", partial(_test, engine.dialect))
    return engine


def _note_use(_connection: object, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _test(dialect: Any, connection: Any, record: Any, _proxy: object) -> None:
    """Test a connection that was idle; the pool replaces one that fails."""
    if time.monotonic() - record.info.get(_USED, time.monotonic()) < TESTED_AFTER_S:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise exc.DisconnectionError from error
