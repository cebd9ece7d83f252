"""The example DAGs run for real: one trains a model that has drifted anew, one asks a person first, one prunes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import airflow_mlmon
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.api_server import ApiServer
from tests.support.archive import FIRST
from tests.support.nightly_model import evaluate_day
from tests.support.processes import PATIENCE_S, start, stop
from tests.support.prometheus import eventually
from tests.support.runs import local_archive, opened

pytestmark = pytest.mark.service

DAYS = 6
LAST = FIRST + timedelta(days=DAYS - 1)
EXAMPLES = Path(airflow_mlmon.__file__).parent / "example_dags"
VERDICT = {
    "model": "loans",
    "partition": str(LAST),
    "changes": ["drift"],
    "report": "https://airflow.example.com/mlmon/report.html",
    "alerts": [{"title": "mean score above its limit", "text": "mean score 0.7, expected 0.3 to 0.5"}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Six evaluated days of a model, and the examples with its name in them."""
    folder = tmp_path_factory.mktemp("examples")
    archive = local_archive(folder, DAYS)
    with opened(folder, archive) as run:
        for offset in range(DAYS):
            evaluate_day(run, Partition.of_day(run.model, FIRST + timedelta(days=offset)))
    (folder / "dags").mkdir()
    (folder / "loans.yaml").write_text(archive.spec_text(extra=["retention: {rows: 1, quarantine: 1}"]))
    for path in EXAMPLES.glob("example_*.py"):
        text = path.read_text().replace('"fraud"', '"repaid"').replace('MODEL = "repaid"', 'MODEL = "loans"')
        text = text.replace("include/models/fraud.yaml", str(folder / "loans.yaml")).replace(
            "NIGHTS = 14", "NIGHTS = 5"
        )
        text = text.replace('"include/models"', repr(str(folder)))
        (folder / "dags" / path.name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ApiServer]:
    """Airflow's API server, which has been told that the model drifted."""
    environment = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
    }
    with ApiServer(folder / "home", environment) as server:
        found = {asset["uri"]: asset["id"] for asset in server.call("GET", "/assets")["assets"]}
        server.call("POST", "/assets/events", {"asset_id": found["mlmon://loans/drift"], "extra": VERDICT})
        yield server


def command(folder: Path, name: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.dag_run", str(folder / "dags" / name), "2026-03-07"]


def run_example(folder: Path, name: str, server: ApiServer) -> dict[str, Any]:
    """What the tasks of a DAG have returned."""
    done = subprocess.run(
        command(folder, name), capture_output=True, text=True, check=True, env={**os.environ, **server.environment}
    )
    return dict(outcome(done.stdout)["values"])


def outcome(output: str) -> dict[str, Any]:
    return dict(json.loads(next(line for line in output.splitlines() if line.startswith('{"state"'))))


def test_retrain_fits_a_model_to_the_labelled_rows_of_the_archive(folder, server):
    trained = run_example(folder, "example_retrain.py", server)["train"]

    assert trained["because"] == ["drift"]
    assert 200 < trained["rows"] < 80 * DAYS
    assert set(json.loads(Path(trained["uri"]).read_text())) == {"amount", "term"}


def test_fleet_registers_the_specs_and_writes_the_pages_of_all_models(folder, server):
    found = run_example(folder, "example_fleet.py", server)

    written = found["write_fleet"]
    assert found["send_digests"] == {"sent": 0, "quiet": 0, "repeated": 0}
    assert written["models"] == {"silent": 1}
    assert "loans" in Path(written["uri"]).read_text()
    assert (folder / "workspace" / "reports" / "inbox.html").exists()


def test_pruning_deletes_what_is_old_and_keeps_what_labels_may_come_for(folder, server):
    refused = list((folder / "workspace").rglob("quarantine.parquet"))
    for path in (folder / "workspace").rglob("*.parquet"):
        os.utime(path, (0, 0))

    pruned = run_example(folder, "example_prune.py", server)["prune_model"]

    assert pruned["quarantine"]["files"] == len(refused) == DAYS
    assert not any(path.exists() for path in refused)
    assert (pruned["rows"]["files"], pruned["rows"]["kept"]) == (0, {"labels may still come": DAYS})


@pytest.mark.parametrize(("choice", "state"), [("Reject", "skipped"), ("Approve", "success")])
def test_baseline_is_accepted_when_a_person_approves_and_not_before(folder, server, choice, state):
    log = folder / f"{choice}.log"
    process = start(command(folder, "example_accept_baseline.py"), log, server.environment)
    try:
        [asked] = eventually(lambda: open_questions(server))
        # an answer that comes before the run has noted the wait is lost
        assert eventually(lambda: "Waiting for Human-in-the-loop input" in log.read_text())
        assert "mean score 0.7, expected 0.3 to 0.5" in asked["body"]
        instance = asked["task_instance"]
        assert accepted(folder) == []
        where = f"/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}/taskInstances/ask/-1/hitlDetails"
        server.call("PATCH", where, {"chosen_options": [choice]})
        process.wait(PATIENCE_S)
    finally:
        stop(process)

    assert outcome(log.read_text())["tasks"]["accept_baseline"] == state
    pins = accepted(folder)
    assert [pin.who for pin in pins] == (["admin"] if choice == "Approve" else [])
    assert all("mean score above its limit" in pin.why and pin.first > LAST for pin in pins)


def open_questions(server: ApiServer) -> list[dict[str, Any]]:
    """The questions whose task has come to wait: an answer that is quicker than that never wakes it."""
    found = server.call("GET", "/dags/~/dagRuns/~/hitlDetails?response_received=false")
    return [asked for asked in found["hitl_details"] if asked["task_instance"]["state"] == "awaiting_input"]


def accepted(folder: Path) -> list[Any]:
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        return store.baselines(load_spec(folder / "loans.yaml").model)
