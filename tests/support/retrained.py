"""The flights in service, monitored and retrained: MLflow, the example service and Airflow, all of them real."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import requests

from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.model_change import confirmed_change
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.settings import read_environment_settings
from include.demo.flights import FEATURES, read_flights
from include.serving.prepare import TRAINING
from tests.support.api_server import ApiServer
from tests.support.environments import ROOT, VARIABLES, environment
from tests.support.mlflow_server import MlflowServer
from tests.support.nightly_model import evaluate_day
from tests.support.processes import answers, await_ready, free_port, start, stop
from tests.support.scheduled import scheduled

MODEL, REGISTERED, DAG_ID = "flights_served", "flights", "flights_served_retrain"
SETTINGS = 'DEFAULTS = {"days": 3, "held_out": 1, "share": 0.4, "canary_days": 1, "patience": 3}'
RULES = "\nalerts: {rules: [{metric: drift_score, column: hour, max: 0.25}]}\n"
# the hours of the first model were those of another zone when it was trained
SHIFT_HOURS = 12
CONNECTION = "AIRFLOW_CONN_MLMON_MLFLOW_DEFAULT"
_BATCH = 250
_PATIENCE_S = 180


def day_of(number: int) -> date:
    """A day of March."""
    return date(2013, 3, number)


@dataclass(frozen=True, kw_only=True)
class RetrainedModel:
    """Everything that runs, and the flights that ask."""

    folder: Path
    flights: pd.DataFrame
    mlflow: MlflowServer
    airflow: ApiServer
    service: str

    def live(self, number: int, *, are_labels_wrong: bool = False) -> dict[str, Any] | None:
        """Serve the flights of a day, send their labels, and monitor it; the change that this confirms."""
        flights = self.flights[self.flights["date"] == pd.Timestamp(day_of(number))]
        asked = flights[["prediction_id", "event_time", *FEATURES]].assign(event_time=flights["event_time"].map(str))
        rows = json.loads(asked.to_json(orient="records"))
        for first in range(0, len(rows), _BATCH):
            self._post("predict", rows[first : first + _BATCH])
        late = (flights["late"] ^ are_labels_wrong).astype(object)
        labels = flights[["prediction_id", "outcome"]].assign(late=late, at=f"{day_of(number)}T23:00:00Z")
        self._post("labels", json.loads(labels.to_json(orient="records")))
        self._post("flush", [])
        partition = Partition.of_day(MODEL, day_of(number))
        with self.opened() as run:
            evaluate_day(run, partition)
            return confirmed_change(run, partition, [])

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """The run of the model, as the tasks of Airflow open it."""
        with open_run(
            load_spec(self.folder / "flights_served.yaml"), read_environment_settings(settings(self.folder))
        ) as run:
            yield run

    def archived(self, kind: str, number: int) -> pa.Table:
        """What the service has archived of a day."""
        folder = self.folder / "flights" / kind / f"dt={day_of(number)}"
        return ds.dataset(folder, format="parquet").to_table() if folder.exists() else pa.table({})

    def shares(self) -> dict[str, float]:
        """The share of each version that the service serves."""
        found: dict[str, float] = requests.get(f"{self.service}/versions", timeout=10).json()
        return found

    def tags(self, version: str) -> Mapping[str, str]:
        """Tags of a version in the registry."""
        return dict(self.mlflow.client().get_model_version(REGISTERED, version).tags)

    def aliases(self) -> Mapping[str, str]:
        """Version of each alias in the registry."""
        return dict(self.mlflow.client().get_registered_model(REGISTERED).aliases)

    def versions(self) -> set[str]:
        """Versions in the registry."""
        return {one.version for one in self.mlflow.client().search_model_versions(f"name = '{REGISTERED}'")}

    def announce(self, verdict: Mapping[str, Any]) -> None:
        """Say that the model has drifted, as the nightly DAG does."""
        found = {asset["uri"]: asset["id"] for asset in self.airflow.call("GET", "/assets")["assets"]}
        self.airflow.call("POST", "/assets/events", {"asset_id": found[f"mlmon://{MODEL}/drift"], "extra": verdict})

    def answer(self, task: str, choice: str) -> str:
        """Answer the question of a task of the last run; what it asked.

        Airflow takes an answer for a failure that comes before its scheduler has noted that the task waits, and asks
        again: on a busy machine as often as it may.
        """
        run, asked = until(lambda: self.runs()[-1:] or None)[0], ""

        def is_answered() -> bool:
            nonlocal asked
            where = f"/dags/{DAG_ID}/dagRuns/{run}/taskInstances/{task}"
            for one in self._open():
                found = one["task_instance"]
                if (found["dag_run_id"], found["task_id"]) == (run, task) and self._has_noted(found):
                    asked = one["body"]
                    self.airflow.call("PATCH", f"{where}/-1/hitlDetails", {"chosen_options": [choice]})
            return bool(asked) and self.airflow.call("GET", where)["state"] == "success"

        until(is_answered)
        return asked

    def await_shares(self, *versions: str) -> None:
        """Wait until these versions are in service."""
        until(lambda: set(self.shares()) == set(versions))

    def ended(self, run_id: str) -> dict[str, str]:
        """Wait for the end of a run; the state of each of its tasks."""
        where = f"/dags/{DAG_ID}/dagRuns/{run_id}"
        until(lambda: self.airflow.call("GET", where)["state"] in {"success", "failed"})
        found = self.airflow.call("GET", f"{where}/taskInstances")["task_instances"]
        return {one["task_id"]: one["state"] for one in found}

    def returned(self, run_id: str, task: str) -> Any:
        """What a task has returned."""
        where = f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries/return_value"
        return self.airflow.call("GET", where)["value"]

    def clear(self, run_id: str, *tasks: str) -> None:
        """Clear tasks of a run that has ended, so that they run again."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(tasks), "only_failed": False}
        self.airflow.call("POST", f"/dags/{DAG_ID}/clearTaskInstances", body)

    def runs(self) -> list[str]:
        """Ids of the runs, the first one first."""
        found = self.airflow.call("GET", f"/dags/{DAG_ID}/dagRuns?order_by=run_after")["dag_runs"]
        return [run["dag_run_id"] for run in found]

    def _has_noted(self, task: Mapping[str, Any]) -> bool:
        """Whether the scheduler has heard that a worker is through with a try of a task."""
        tried = f"task_id={task['task_id']!r}, run_id={task['dag_run_id']!r}, try_number={task['try_number']},"
        lines = (self.airflow.home / "scheduler.log").read_text(errors="replace").splitlines()
        return any("Received executor event" in line and tried in line for line in lines)

    def _open(self) -> list[dict[str, Any]]:
        found = self.airflow.call("GET", "/dags/~/dagRuns/~/hitlDetails?response_received=false")
        return [one for one in found["hitl_details"] if one["task_instance"]["state"] == "awaiting_input"]

    def _post(self, route: str, rows: list[Any]) -> None:
        requests.post(f"{self.service}/{route}", json=rows, timeout=60).raise_for_status()


def until(question: Callable[[], Any]) -> Any:
    """Return the first answer that is true; it is asked seldom, because asking costs what is asked some work."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.5)
    return answer


@contextmanager
def retrained_model(folder: Path) -> Iterator[RetrainedModel]:
    """Start the registry with a first champion, the service that serves it, and Airflow with the DAG."""
    python = environment("serving")
    flights = read_flights(day_of(1), day_of(8))
    _write_first(folder, flights)
    _run(python, "include.serving.train", folder / "first", {})
    with ExitStack() as stack:
        mlflow = stack.enter_context(MlflowServer())
        stack.enter_context(pytest.MonkeyPatch.context()).setenv(CONNECTION, mlflow.connection())
        _run(python, "include.retraining.begin", folder / "first", mlflow.environment())
        service = stack.enter_context(_service(folder, python, mlflow))
        airflow = stack.enter_context(_airflow(folder, mlflow, service))
        yield RetrainedModel(folder=folder, flights=flights, mlflow=mlflow, airflow=airflow, service=service)


def settings(folder: Path) -> dict[str, str]:
    """Settings of the monitoring."""
    return {
        "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
    }


def _write_first(folder: Path, flights: pd.DataFrame) -> None:
    """Write what the first champion learns from, and the spec."""
    rows = flights[flights["date"] < pd.Timestamp(day_of(1))].iloc[::17]
    rows = rows.assign(hour=(rows["hour"] + SHIFT_HOURS) % 24)
    (folder / "first").mkdir()
    table = pa.Table.from_pandas(rows[TRAINING.names], schema=TRAINING, preserve_index=False)
    pq.write_table(table, folder / "first" / "training.parquet")
    text = (ROOT / "include" / "serving" / "flights_served.yaml").read_text()
    text = text.replace("s3://mlmon-serving", str(folder)).replace("  connection: aws_default # an Airflow", "  #")
    text = text.replace(
        f"path: {folder}/flights/reference/", "mlflow: {uri: models:/flights@champion, artifact: training.parquet}"
    )
    (folder / "flights_served.yaml").write_text(text + RULES)


def _run(python: Path, module: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run a module of the example on a folder, in the environment of the service."""
    command = [python / "python", "-m", module, folder]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **VARIABLES, **variables})


@contextmanager
def _service(folder: Path, python: Path, mlflow: MlflowServer) -> Iterator[str]:
    port = free_port()
    given = {
        "SERVING_SPEC": str(folder / "flights_served.yaml"),
        "SERVING_REGISTRY": mlflow.url,
        "SERVING_MODEL": REGISTERED,
    }
    command = [str(python / "uvicorn"), "--factory", "include.serving.app:open_app", "--port", str(port)]
    process = start(command, folder / "service.log", VARIABLES | given)
    try:
        await_ready(process, lambda: answers(port), folder / "service.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@contextmanager
def _airflow(folder: Path, mlflow: MlflowServer, service: str) -> Iterator[ApiServer]:
    """A scheduler and the API server."""
    home = folder / "airflow"
    (home / "dags").mkdir(parents=True)
    lines = (ROOT / "dags" / "flights_retrain.py").read_text().splitlines()
    own = {
        "SPEC =": f"SPEC = {str(folder / 'flights_served.yaml')!r}",
        "DEFAULTS =": SETTINGS,
        "LOOK_EVERY =": "LOOK_EVERY = timedelta(seconds=3)",
        "    is_paused_upon_creation=": "    is_paused_upon_creation=False,",
        "RETRY_AFTER =": "RETRY_AFTER = timedelta(seconds=1)",
    }
    lines = [next((line for start, line in own.items() if each.startswith(start)), each) for each in lines]
    (home / "dags" / "flights_retrain.py").write_text("\n".join(lines))
    host, _, port = service.removeprefix("http://").partition(":")
    server = ApiServer(
        home,
        {
            **settings(folder),
            "AIRFLOW_CONN_FLIGHTS_SERVICE": json.dumps({"conn_type": "http", "host": host, "port": int(port)}),
            "AIRFLOW__CORE__PARALLELISM": "2",
        },
    )
    with scheduled(server):
        yield server
