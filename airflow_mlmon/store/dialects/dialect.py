"""What the metric store asks of a kind of database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError


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


def server_engine(url: sa.URL, *, database: str, package: str, extra: str, connect: Mapping[str, Any]) -> sa.Engine:
    """Make an engine of a server, whose connections are tested before use.

    Raises:
        ConfigError: its driver is not installed.
    """
    try:
        # values of the data and secrets must not appear in SQLAlchemy's messages
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, **connect},
            pool_size=2,
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{database} needs the package {package}.", hint=f"pip install 'airflow-mlmon[{extra}]'"
        ) from error
