"""MySQL 8 and MariaDB: named locks of the connection, and tables that are made outside of transactions."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError, ServiceUnavailableError
from airflow_mlmon.store.dialects.dialect import Dialect, server_engine

# in every session: a value that does not fit is an error, and a server that lost a client frees its locks
_SESSION = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', wait_timeout = 600, "
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
# too many connections or no disk, going down, killed, a lock not had in time, a deadlock, and a network that broke
_PASSING = {1021, 1040, 1053, 1077, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1317, 1927, 3058}
_PASSING |= {2002, 2003, 2006, 2013, 2014, 2055, 4031}
_HINTS = {
    1153: "raise the server's max_allowed_packet",
    1406: "MySQL keeps names of columns and values of segments of up to 255 characters; PostgreSQL keeps longer ones",
}


class MySQL(Dialect):
    """MySQL and MariaDB with InnoDB, through PyMySQL."""

    drivers = dict.fromkeys(("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"), "mysql+pymysql")
    is_ddl_transactional = False

    def make_engine(self, url: sa.URL, wait_s: float) -> sa.Engine:
        """Make an engine whose sessions are strict, and of one character set."""
        # both count whole seconds, of which one is the least
        waits = f"innodb_lock_wait_timeout = {max(1, round(wait_s))}, lock_wait_timeout = {max(1, round(wait_s))}"
        connect = {"charset": "utf8mb4", "init_command": _SESSION + waits}
        engine = server_engine(url, database="MySQL", package="pymysql", extra="mysql", connect=connect)
        sa.event.listen(engine, "connect", _set_isolation)
        _check_files(url.query)
        self._database = url.database or ""
        return engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees the state of the database at its first query."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("START TRANSACTION READ ONLY")
            yield connection

    @contextmanager
    def writing(self, locks: Collection[str], wait_s: float) -> Iterator[sa.Connection]:
        """Open an atomic transaction; the locks belong to its connection, and are held until it has ended."""
        names = [self._lock_name(name) for name in sorted(locks)]
        with self.engine.connect() as connection:
            try:
                with connection.begin():
                    # who waited for a lock has to see what its holder wrote
                    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    for name in names:
                        if connection.scalar(sa.select(sa.func.get_lock(name, wait_s))) != 1:
                            raise ServiceUnavailableError(f"Another writer kept the metric store for {wait_s} s.")
                    yield connection
            finally:
                _release(connection, names)

    def is_passing(self, error: Any) -> bool:
        """Return whether the server was away or busy, rather than that it refused."""
        if isinstance(getattr(error, "original_exception", None), ssl.SSLCertVerificationError):
            return False
        code = error.args[0] if error.args else 0
        # PyMySQL says 0 of a connection that is closed
        return code in _PASSING or code == 0

    def hint(self, error: Any) -> str:
        """Return what to do about an error."""
        return _HINTS.get(error.args[0], "") if getattr(error, "args", ()) else ""

    def _lock_name(self, name: str) -> str:
        # of the whole server, and of at most 64 characters
        return "mlmon:" + hashlib.sha256(f"{self._database}:{name}".encode()).hexdigest()[:40]


def _set_isolation(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ISOLATION)


def _check_files(options: Mapping[str, str | tuple[str, ...]]) -> None:
    for name in ("ssl_ca", "ssl_cert", "ssl_key"):
        path = options.get(name)
        if path is not None and not Path(str(path)).is_file():
            raise ConfigError(f"Metric store: the file {path} of {name} does not exist.")


def _release(connection: sa.Connection, names: Collection[str]) -> None:
    """Release locks of the connection, or give it up, which releases them too."""
    if not names or connection.closed or connection.invalidated:
        return
    try:
        cursor = connection.connection.cursor()
        for name in names:
            cursor.execute("DO RELEASE_LOCK(%s)", (name,))
        cursor.close()
    except Exception:  # noqa: BLE001 - whatever it is, a connection with a lock must not get back into the pool
        connection.invalidate()
