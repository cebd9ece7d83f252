"""A Redis spares the days the reading of past ids, and no day is the worse for one that is away."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.profiles.engine.id_hashes import IdHashes
from airflow_mlmon.settings import Settings
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.redis import RedisCache
from tests.support.archive import FIRST, Archive, day_table
from tests.support.nightly_model import evaluate_day
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from tests.support.runs import local_archive, opened

pytestmark = pytest.mark.service
WISH = ("labels:\n", "duplicates: {days: 3, redis: seen}\nlabels:\n")
FIRST_DAY = Partition.of_day("loans", FIRST)
SECOND_DAY = FIRST_DAY.shift(1)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two days, the second of them with rows of the first."""
    archive = local_archive(tmp_path, 1)
    noon = day_table(FIRST + timedelta(days=1))
    ids = day_table(FIRST).column("id").to_pylist()[:7] + noon.column("id").to_pylist()[7:]
    archive.write_predictions(SECOND_DAY.day, noon.set_column(0, "id", [ids]))
    return archive


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def opened_with(tmp_path: Path, archive: Archive) -> Callable[..., Run]:
    return lambda cache: opened(tmp_path, archive, WISH, storage=Storage(cache=lambda _: cache))


def quarantined(prepared: Prepared) -> tuple[int, str]:
    return prepared.rows_quarantined, prepared.message


FOUND = (7, "7 rows: the prediction id was already accepted on 2026-03-01")


def test_past_ids_come_from_redis_and_stay_there_for_the_days_of_the_spec(server, opened_with):
    with opened_with(server.cache()) as run:
        version = evaluate_day(run, FIRST_DAY)
        uri = run.version_uri(FIRST_DAY, version, "id_hashes.parquet")
        # in the file there is nothing to be found any more
        run.files.write(uri, IdHashes.of(pa.chunked_array([[]], pa.string())).to_bytes())

        assert quarantined(prepare_partition(run, SECOND_DAY)) == FOUND

    assert server.client().info("stats")["keyspace_hits"] == 1
    assert 0 < server.client().ttl(f"mlmon:{uri}") <= 4 * 86_400


def test_what_redis_has_lost_is_read_from_the_workspace_and_put_back(server, opened_with, caplog):
    caplog.set_level(logging.INFO, "airflow_mlmon")
    with opened_with(server.cache()) as run:
        evaluate_day(run, FIRST_DAY)
        server.client().flushall()

        assert quarantined(prepare_partition(run, SECOND_DAY)) == FOUND

    assert len(server.client().keys("mlmon:*2026-03-01*")) == 1
    assert "reading it from the workspace" in caplog.text


def test_what_is_damaged_in_redis_is_read_from_the_workspace(server, opened_with, caplog):
    with opened_with(server.cache()) as run:
        evaluate_day(run, FIRST_DAY)
        [key] = server.client().keys()
        server.client().set(key, b"nothing of ours")

        assert quarantined(prepare_partition(run, SECOND_DAY)) == FOUND

    assert "damaged" in caplog.text


@pytest.mark.parametrize("fault", [RedisServer.kill, RedisServer.hold], ids=["killed", "silent"])
def test_a_day_ends_right_when_redis_goes_away_in_its_middle(server, opened_with, caplog, fault):
    with opened_with(server.cache(timeout_s=0.5)) as run:
        evaluate_day(run, FIRST_DAY)
        fault(server)
        started = time.monotonic()

        assert quarantined(prepare_partition(run, SECOND_DAY)) == FOUND

    assert time.monotonic() - started < 10
    assert [record.levelname for record in caplog.records if "continues without the cache" in record.message] == [
        "WARNING"
    ]


def test_a_day_without_redis_has_the_version_that_it_has_with_it(server, opened_with):
    away = RedisCache(host="127.0.0.1", port=free_port(), timeout_s=0.5)
    with opened_with(server.cache()) as run:
        evaluate_day(run, FIRST_DAY)
        reached = prepare_partition(run, SECOND_DAY)

    with opened_with(away) as run:
        assert prepare_partition(run, SECOND_DAY) == reached


def test_a_redis_that_refuses_the_password_is_done_without(server, caplog):
    server.client().config_set("requirepass", "open sesame")
    words = ("open barley", "open sesame")
    refused, taken = (RedisCache(host="127.0.0.1", port=server.port, password=word) for word in words)

    for cache in (refused, taken):
        cache.write("key", b"value", seconds=60)

    assert (refused.read("key"), taken.read("key")) == (None, b"value")
    assert "AuthenticationError" in caplog.text
    assert not [word for word in words if word in caplog.text]


def opened_by_airflow(tmp_path: Path, archive: Archive):
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'store.db'}",
        workspace=str(tmp_path / "workspace"),
        workspace_connection=None,
        hash_key=None,
    )
    return open_run(parse_spec(archive.spec_text(WISH), "loans.yaml"), settings)


def test_redis_is_reached_by_its_airflow_connection(server, tmp_path, archive, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SEEN", f'{{"conn_type": "redis", "host": "127.0.0.1", "port": {server.port}}}')

    with opened_by_airflow(tmp_path, archive) as run:
        prepare_partition(run, FIRST_DAY)

    assert len(server.client().keys("mlmon:*/loans/partitions/2026-03-01/*")) == 1


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        pytest.param("", "Airflow connection 'seen' does not exist", id="absent"),
        pytest.param('{"conn_type": "redis", "extra": {"db": "first"}}', "Database 'first'", id="database"),
    ],
)
def test_a_connection_that_is_wrong_is_named(tmp_path, archive, monkeypatch, connection, said):
    if connection:
        monkeypatch.setenv("AIRFLOW_CONN_SEEN", connection)

    with opened_by_airflow(tmp_path, archive) as run, pytest.raises(ConfigError, match=said):
        prepare_partition(run, FIRST_DAY)


def test_a_package_that_is_not_installed_is_named(tmp_path, archive, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SEEN", '{"conn_type": "redis", "host": "127.0.0.1"}')
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "airflow_mlmon.storage.redis")

    with opened_by_airflow(tmp_path, archive) as run, pytest.raises(ConfigError, match=r"airflow-mlmon\[redis\]"):
        prepare_partition(run, FIRST_DAY)
