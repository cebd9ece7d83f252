"""Metric stores on every database that is supported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.schema import metadata
from tests.support.mariadb import connected, fresh_mariadb
from tests.support.postgres import fresh_database

_SERVERS = [pytest.param(name, marks=pytest.mark.service) for name in ("postgresql", "mysql")]


@pytest.fixture(params=["sqlite", *_SERVERS])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """A database without a table."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/store/mlmon.db"
    if kind == "mysql":
        return fresh_mariadb(request.getfixturevalue("mariadb"))
    return fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def upgraded(postgres: str) -> str:
    """A database of PostgreSQL with every table, which the tests of this folder take turns with."""
    url = fresh_database(postgres)
    MetricStore(url).close()
    return url


@pytest.fixture(scope="session")
def completed(mariadb: str) -> str:
    """The same of MariaDB."""
    url = fresh_mariadb(mariadb)
    MetricStore(url).close()
    return url


@pytest.fixture
def store(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[MetricStore]:
    """An empty store."""
    url = f"sqlite:///{tmp_path}/store/mlmon.db"
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    if kind == "postgresql":
        url = request.getfixturevalue("upgraded")
        with psycopg.connect(url) as connection:
            connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
    if kind == "mysql":
        url = request.getfixturevalue("completed")
        with connected(url) as connection, connection.cursor() as cursor:
            for name in tables:
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - of the code
    with MetricStore(url) as opened:
        yield opened
