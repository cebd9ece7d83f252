"""Database access by URL: SQLite, PostgreSQL or MySQL, transactions, and errors of our tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy import exc

from airflow_mlmon.errors import ConfigError, NotFoundError, ServiceError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.store.dialects.dialect import Dialect
from airflow_mlmon.store.dialects.mysql import MySQL
from airflow_mlmon.store.dialects.postgresql import PostgreSQL
from airflow_mlmon.store.dialects.sqlite import SQLite

LOCK_WAIT_S = 30
_DIALECTS: tuple[type[Dialect], ...] = (SQLite, PostgreSQL, MySQL)
_SECRET_OPTIONS = ("password", "passwd", "sslpassword", "passfile")


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
    """Read and write transactions of a database, whose errors are those of our tree.

    A writer locks the whole file (SQLite) or takes the named locks (PostgreSQL, MySQL). All wait for at most 30
    seconds.
    """

    def __init__(self, url: str, *, must_exist: bool = False) -> None:
        self.shown = masked_url(url)
        self._url, kind = _parse(url, self.shown)
        if kind is SQLite:
            path = Path(str(self._url.database))
            if must_exist and not path.exists():
                raise NotFoundError(
                    f"Metric store {self.shown} does not exist.",
                    hint="create it with `mlmon run`, or set its URL with --store or AIRFLOW__MLMON__STORE",
                )
            _make_folder(path.parent)
        self.dialect = kind(self._url, LOCK_WAIT_S)
        self.engine = self.dialect.engine

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def prepare(self) -> None:
        """Set what is kept in the database itself, before its tables are made."""
        with self._errors():
            self.dialect.prepare()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state of the store."""
        with self._errors(), self.dialect.reading() as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[sa.Connection]:
        """Open a connection for one query, which sees one state of the store by itself."""
        with self._errors(), self.dialect.asking() as connection:
            yield connection

    @contextmanager
    def writing(self, *locks: str) -> Iterator[sa.Connection]:
        """Open an atomic transaction, with one writer at a time for each of the `locks`."""
        with self._errors(), self.dialect.writing(locks, LOCK_WAIT_S) as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            self._raise(error)

    def _raise(self, error: exc.SQLAlchemyError) -> NoReturn:
        kind: type[ServiceError] = ServiceUnavailableError if self._passes(error) else ServiceRejectedError
        cause = getattr(error, "orig", None) or error
        lines = str(cause).strip().splitlines() or [type(cause).__name__]
        said = f"Metric store {self.shown}: {self._without_secrets(lines[0])}"
        raise kind(said, hint=self.dialect.hint(cause)) from error

    def _passes(self, error: exc.SQLAlchemyError) -> bool:
        """Return whether the same statement may succeed on a retry."""
        if isinstance(error, exc.TimeoutError) or getattr(error, "connection_invalidated", False):
            return True
        if not isinstance(error, exc.OperationalError | exc.InterfaceError):
            return False
        return self.dialect.is_passing(error.orig)

    def _without_secrets(self, text: str) -> str:
        secrets = {str(self._url.password or ""), *(str(self._url.query.get(name, "")) for name in _SECRET_OPTIONS)}
        for secret in sorted(secrets - {""}, key=len, reverse=True):
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, "***")
        return text


def _parse(url: str, shown: str) -> tuple[sa.URL, type[Dialect]]:
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            f"{shown!r} is not a metric store URL.",
            hint="write sqlite:///folder/store.db, postgresql://user:password@host/database or "
            "mysql://user:password@host/database",
        ) from None
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigError(f"{shown!r} is in memory, but the metric store must be persistent.", hint="use a file")
    for kind in _DIALECTS:
        if driver := kind.drivers.get(parsed.drivername):
            return parsed.set(drivername=driver), kind
    raise ConfigError(f"{shown!r}: the metric store must be SQLite, PostgreSQL, MySQL or MariaDB.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceRejectedError(f"Cannot create folder {folder} for the metric store: {error.strerror}.") from error
