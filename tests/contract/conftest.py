"""Metric stores on every database that is supported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.schema import metadata
from tests.support.postgres import fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """A database without a table."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/store/mlmon.db"
    return fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def upgraded(postgres: str) -> str:
    """A database of PostgreSQL with every table, which the tests of this folder take turns with."""
    url = fresh_database(postgres)
    MetricStore(url).close()
    return url


@pytest.fixture
def store(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[MetricStore]:
    """An empty store."""
    url = f"sqlite:///{tmp_path}/store/mlmon.db"
    if kind == "postgresql":
        url = request.getfixturevalue("upgraded")
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        with psycopg.connect(url) as connection:
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    with MetricStore(url) as opened:
        yield opened
