"""A day in shards by a real scheduler and four of its workers, two of which are killed at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.curated import curated_uris, read_curated
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from tests.support.api_server import ApiServer
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, Archive, day_table, partition
from tests.support.runs import local_archive, opened
from tests.support.scheduled import scheduled

SHARDS = ("reference:\n", "shards: {megabytes: 0.0001}\nreference:\n")
FILES = 3
# the tasks of one shard, each killed once: while it writes what it read, and before it says that it is curated
DAG_FILE = """
import os, signal
from pathlib import Path

from airflow_mlmon.dag_factory import build_dags
from airflow_mlmon.pipeline.steps.shard_files import ShardFiles

globals().update(build_dags({folder!r}, schedule=None, default_args={{"retries": 2, "retry_delay": 0.1}}))

_write = ShardFiles.write


def write(self, shard, name, data):
    killed = Path({folder!r}, f"killed-{{name}}")
    if shard == 1 and name in ("schema", "curated.json") and not killed.exists():
        killed.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    _write(self, shard, name, data)


ShardFiles.write = write
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A day of three files, of which each begins with the last rows of the one before."""
    archive = local_archive(tmp_path_factory.mktemp("sharded"), 1)
    table = day_table(FIRST, 300).drop_columns(["repaid", "outcome"])
    parts = [table.slice(max(number * 100 - 10, 0), 110) for number in range(FILES)]
    archive.write_predictions(FIRST, pa.concat_tables(parts), files=FILES)
    return archive


@pytest.fixture(scope="module")
def airflow(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A scheduler with four workers, and the API server that they report to."""
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    dags.mkdir()
    (dags / "loans.yaml").write_text(archive.spec_text(SHARDS, WITHOUT_EVIDENTLY))
    (dags / "loans.py").write_text(DAG_FILE.format(folder=str(dags)))
    settings = {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__MLMON__STORE": f"sqlite:///{home / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(home / "workspace"),
    }
    with scheduled(ApiServer(home, settings)) as server:
        yield server


def await_task(airflow: ApiServer, task: str, seconds: float = 240) -> list[dict[str, Any]]:
    """Wait for the end of a task, and return all tasks of its run."""
    deadline = time.monotonic() + seconds
    while True:
        found = airflow.call("GET", "/dags/loans/dagRuns/sharded/taskInstances")["task_instances"]
        states = {entry["state"] for entry in found if entry["task_id"] == task}
        if states & {"success", "failed", "upstream_failed"}:
            return found
        assert time.monotonic() < deadline, (airflow.home / "scheduler.log").read_text()[-3000:]
        time.sleep(0.3)


def test_shards_on_four_workers_give_what_one_machine_does_though_two_are_killed(
    airflow: ApiServer, archive: Archive, tmp_path: Path
):
    airflow.start_run("loans", "sharded", conf={"partition": str(FIRST)})

    tasks = await_task(airflow, "prepare_partition")

    by_shard = {(task["task_id"], task["map_index"]): task for task in tasks}
    assert by_shard["prepare_partition", -1]["state"] == "success"
    tries = {key: task["try_number"] for key, task in by_shard.items() if task["state"] == "success"}
    assert {key for key, number in tries.items() if number > 1} == {("read_shard", 1), ("curate_shard", 1)}
    assert sum(name == "read_shard" for name, _ in tries) == FILES
    pids = {task["pid"] for task in tasks if task["task_id"] == "curate_shard"}
    assert len(pids) == FILES
    shown = airflow.call("GET", "/dags/loans/dagRuns/sharded/taskInstances/prepare_partition/xcomEntries/return_value")
    version = shown["value"]["version"]
    with opened(airflow.home, archive, SHARDS) as sharded, opened(tmp_path, archive) as single:
        schema_id = ensure_reference(single).schema.id
        expected = prepare_partition(single, partition(0))
        assert (version, shown["value"]["rows_quarantined"]) == (expected.version, expected.rows_quarantined)
        assert len(curated_uris(sharded, partition(0), version)) == FILES
        assert rows(sharded, version) == rows(single, version)
        assert profile(sharded, version, schema_id) == profile(single, version, schema_id)


def rows(run: Run, version: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_curated(run, partition(0), version).to_pylist()
    return found


def profile(run: Run, version: str, schema_id: str) -> bytes:
    """Read the profile of the rows, beside which later tasks write others meanwhile."""
    return run.files.read(profile_uri(run, partition(0), version, schema_id))
