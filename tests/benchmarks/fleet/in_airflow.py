"""Figures of Airflow: parsing the DAGs of 500 models, and the task of one small day, both cold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from tests.benchmarks.day.in_airflow import DAY, day_table, spec_text
from tests.benchmarks.measured import Measured
from tests.support.api_server import AIRFLOW, ApiServer
from tests.support.archive import to_bytes
from tests.support.dag import DAG_FILE
from tests.support.processes import free_port, start, stop
from tests.support.runs import write_file

MODELS = 500
ROWS = 1_000
NIGHT = DAY + timedelta(days=1)
SINGLE = "dag: {single_task: true}\n"
BY_HAND = "dag: {single_task: true, schedule: manual}\n"
PARSE = """
import json, sys, time
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, CronDataIntervalTimetable, Param, TriggerRule
before = time.process_time()
from airflow_mlmon.dag_factory import build_dags
imported = time.process_time()
dags = build_dags(sys.argv[1])
print(json.dumps([len(dags), imported - before, time.process_time() - imported]))
"""


def parse_dags() -> Measured:
    """Measure the CPU seconds of parsing 500 specs of 20 columns in a new process, beyond `import airflow.sdk`."""
    with TemporaryDirectory(prefix="mlmon-bench-") as folder:
        for number in range(MODELS):
            text = spec_text("s3://bucket").replace("model: large\n", f"model: large{number}\n{SINGLE}")
            Path(folder, f"{number}.yaml").write_text(text)
        found = min(_parse(folder) for _ in range(3))
    return Measured(figure=round(sum(found), 2), note=f"imports {found[0]:.2f} s, {MODELS} DAGs {found[1]:.2f} s")


def _parse(folder: str) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", PARSE, folder], check=True, capture_output=True, text=True)
    number, imports, parsing = json.loads(done.stdout.splitlines()[-1])
    assert number == MODELS
    return imports, parsing


def run_night() -> Measured:
    """Measure the CPU seconds of the task of a small day by a real scheduler, which has imported nothing of it.

    They are those of Airflow's worker, of the process that it forks for the task, and of all that this one starts.
    """
    with TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        _prepare(folder)
        with _airflow(folder) as (server, scheduler):
            server.start_run("before", "before")
            _await(server, "before")
            worker = _worker_of(scheduler)
            before = _cpu_s(worker)
            server.start_run("large", "night", conf={"partition": str(NIGHT)})
            seconds = _await(server, "large")
            used = _cpu_s(worker) - before
    return Measured(figure=round(used, 2), note=f"{ROWS} rows, {seconds:.1f} s from start to end of the run")


def _prepare(folder: Path) -> None:
    """Write the archive, and run the day before the night that is measured."""
    root = folder / "archive"
    past = pa.concat_tables([day_table(DAY - timedelta(days=days), ROWS) for days in range(59, 0, -1)])
    write_file(f"{root}/reference/part.parquet", to_bytes(past))
    for day in (DAY, NIGHT):
        table = day_table(day, ROWS)
        write_file(f"{root}/predictions/dt={day}/part.parquet", to_bytes(table.drop_columns(["label"])))
        write_file(f"{root}/labels/dt={day}/part.parquet", to_bytes(table.select(["id", "label"])))
    dags = folder / "dags"
    dags.mkdir()
    (dags / "large.yaml").write_text(spec_text(root).replace("start:", f"{BY_HAND}start:", 1))
    (dags / "large.py").write_text(DAG_FILE.format(folder=str(dags)))
    # what Airflow imports for the first task of a worker is none of the night's
    before = "from airflow.sdk import dag, task\n\n@dag(schedule=None)\ndef before():\n    task(lambda: None)"
    (dags / "before.py").write_text(f'{before}.override(task_id="nothing")()\n\nbefore()\n')
    places = ["--store", _settings(folder)["AIRFLOW__MLMON__STORE"], "--workspace", str(folder / "workspace")]
    day = ["run", str(dags / "large.yaml"), "--partition", str(DAY), *places]
    subprocess.run([sys.executable, "-m", "airflow_mlmon.cli.main", *day], check=True, capture_output=True)


def _settings(folder: Path) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
    }


@contextmanager
def _airflow(folder: Path) -> Iterator[tuple[ApiServer, Any]]:
    server = ApiServer(folder / "home", _settings(folder))
    server.environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"http://127.0.0.1:{server.port}/sub/execution/"
    with server:
        scheduler = start([AIRFLOW, "scheduler"], folder / "scheduler.log", server.environment)
        try:
            yield server, scheduler
        finally:
            stop(scheduler, seconds=2)


def _await(server: ApiServer, dag_id: str, seconds: float = 180) -> float:
    """Wait for the only run of a DAG, and return how long it took."""
    began = time.monotonic()
    while True:
        [run] = server.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]
        if run["state"] == "success":
            return time.monotonic() - began
        if run["state"] == "failed" or time.monotonic() - began > seconds:
            raise RuntimeError(f"the run did not succeed: {run}")
        time.sleep(0.1)


def _worker_of(scheduler: Any) -> int:
    """Find the executor's only worker, which has the number of the day's task among its children."""
    workers = [pid for pid in _children(scheduler.pid) if "worker" in Path(f"/proc/{pid}/cmdline").read_text()]
    [worker] = workers
    return worker


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_s(pid: int) -> float:
    """Read the CPU seconds of a process and of all that it started, also of those that it has not waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(_cpu_s(child) for child in _children(pid))
