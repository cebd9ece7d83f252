"""Airflow itself: a backfill in both forms, a DAG on the days of an asset, tasks that are cleared, a wrong spec."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import airflow_mlmon
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.api_server import ApiServer
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.dag import asset_events
from tests.support.runs import local_archive, stored_rows
from tests.support.scheduled import scheduled

LAST = FIRST + timedelta(days=1)
DAG_FILE = """
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags({folder!r}, default_args={{"retries": 0}}))
"""
EXAMPLE = Path(airflow_mlmon.__file__).parent / "example_dags" / "example_on_curated.py"
RESULTS = ("mlmon_partitions", "mlmon_metrics", "mlmon_alerts", "mlmon_outbox", "mlmon_deliveries")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A scheduler and the API server: a model in steps, one in one task, a wrong spec, and a DAG on an asset."""
    home = tmp_path_factory.mktemp("airflow")
    archive = local_archive(home, 2)
    archive.write_day(LAST, shift=0.3)
    dags = home / "dags"
    dags.mkdir()
    ended = ("start: 2026-03-01\n", f"start: 2026-03-01\nend: {LAST}\n")
    single = ("model: loans\n", "model: small\ndag: {single_task: true}\n")
    (dags / "loans.yaml").write_text(archive.spec_text(ended, WITHOUT_EVIDENTLY))
    (dags / "small.yaml").write_text(archive.spec_text(ended, WITHOUT_EVIDENTLY, single))
    (dags / "wrong.yaml").write_text(archive.spec_text(("model: loans", "model: wrong"), ("role: score", "role: scor")))
    (dags / "models.py").write_text(DAG_FILE.format(folder=str(dags)))
    example = EXAMPLE.read_text().replace("include/models/fraud.yaml", str(dags / "small.yaml"))
    (dags / "on_curated.py").write_text(example.replace('MODEL = "fraud"', 'MODEL = "small"'))
    settings = {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__MLMON__STORE": f"sqlite:///{home / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(home / "workspace"),
    }
    server = ApiServer(home, settings)

    def start_backfills() -> None:
        for model in ("loans", "small"):
            server.call("POST", "/backfills", backfill(model))

    with scheduled(server, start_backfills):
        yield server


def backfill(model: str) -> dict[str, Any]:
    days = {"from_date": f"{FIRST}T00:00:00Z", "to_date": f"{LAST}T00:00:00Z"}
    return {"dag_id": model, **days, "max_active_runs": 1, "dag_run_conf": {"send_alerts": True}}


def await_states(read: Callable[[], list[dict[str, Any]]], number: int, log: Path, seconds: float = 240) -> list[Any]:
    """Wait until there are so many runs or tasks, and all have ended; return them."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if len(found) == number and all(each["state"] in {"success", "failed", "upstream_failed"} for each in found):
            return found
        assert time.monotonic() < deadline, log.read_text()[-3000:] + str([each["state"] for each in found])
        time.sleep(0.3)


def runs(airflow: ApiServer, dag_id: str, number: int) -> list[dict[str, Any]]:
    """The ended runs of a DAG, by day."""

    def read() -> list[dict[str, Any]]:
        return list(airflow.call("GET", f"/dags/{dag_id}/dagRuns?order_by=logical_date")["dag_runs"])

    return await_states(read, number, airflow.home / "scheduler.log")


def clear(airflow: ApiServer, run: dict[str, Any], *tasks: str) -> dict[str, Any]:
    """Clear tasks that succeeded, and return every task of the run once it has ended again."""
    dag_id, run_id = run["dag_id"], run["dag_run_id"]
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(tasks), "only_failed": False}
    airflow.call("POST", f"/dags/{dag_id}/clearTaskInstances", body)

    def read() -> list[dict[str, Any]]:
        return list(airflow.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"])

    number = len(read())
    return {task["task_id"]: task for task in await_states(read, number, airflow.home / "scheduler.log")}


def returned(airflow: ApiServer, run: dict[str, Any], task: str) -> Any:
    where = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/{task}/xcomEntries/return_value"
    return airflow.call("GET", where)["value"]


def test_a_backfill_runs_the_days_in_steps_and_in_one_task(airflow: ApiServer):
    of_steps, single = runs(airflow, "loans", 2), runs(airflow, "small", 2)

    assert {run["state"] for run in (*of_steps, *single)} == {"success"}
    with MetricStore(f"sqlite:///{airflow.home / 'store.db'}") as store:
        found = {model: store.metrics(model, FIRST, LAST) for model in ("loans", "small")}
    assert found["loans"] == found["small"]
    assert returned(airflow, single[1], "run_partition")["alerts"] > 0


def test_a_dag_on_the_curated_rows_runs_once_for_each_day(airflow: ApiServer):
    runs(airflow, "small", 2)
    days = [str(FIRST), str(LAST)]

    found = runs(airflow, "small_on_curated", 2)

    assert sorted(run["partition_key"] for run in found) == days
    assert [returned(airflow, run, "read_day")["rows"] for run in found] == [80, 80]
    keys = [(event.uri, event.partition_key) for event in asset_events(airflow.home) if "/small/" in event.uri]
    assert {("mlmon://small/curated", day) for day in days} < set(keys)


@pytest.mark.parametrize(
    ("model", "tasks"),
    [
        pytest.param("loans", ["prepare_partition"], id="prepare"),
        pytest.param("loans", ["evaluate_partition", "write_report", "send_alerts"], id="later-steps"),
        pytest.param("small", ["run_partition"], id="single"),
    ],
)
def test_clearing_a_task_that_succeeded_redoes_it_and_sends_nothing_twice(
    airflow: ApiServer, model: str, tasks: list[str]
):
    run = runs(airflow, model, 2)[1]
    before = stored_rows(airflow.home, *RESULTS)
    page = airflow.home / "workspace" / "reports" / model / str(LAST) / "report.html"
    writes_page = tasks != ["prepare_partition"]
    if writes_page:
        page.unlink()

    found = clear(airflow, run, *tasks)

    assert {task["state"] for task in found.values()} == {"success"}
    assert all(found[task]["try_number"] > 1 for task in tasks)
    assert stored_rows(airflow.home, *RESULTS) == before
    assert page.exists()


def test_a_wrong_spec_fails_with_its_message_and_is_recorded(airflow: ApiServer):
    airflow.start_run("wrong", "asked")

    [run] = [run for run in runs_of(airflow, "wrong") if run["dag_run_id"] == "asked"]

    assert run["state"] == "failed"
    with MetricStore(f"sqlite:///{airflow.home / 'store.db'}") as store:
        [model] = [model for model in store.registered() if model.model == "wrong"]
    assert "'scor' is not valid; did you mean score?" in model.error


def runs_of(airflow: ApiServer, dag_id: str) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        return [
            run for run in airflow.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"] if run["dag_run_id"] == "asked"
        ]

    return await_states(read, 1, airflow.home / "scheduler.log")
