"""Tasks that wait for the day where tasks are deferred: they wait in the triggerer, and go on at the marker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import Archive
from tests.support.runs import write_file

DAG_FILE = """
from airflow.sdk import DAG
from airflow_mlmon.operators.day import RunPartitionOperator
from airflow_mlmon.sensors.partition import PartitionSensor
with DAG("waits", schedule=None, params={{"partition": {day!r}, "force": True}}):
    {task}
"""
SENSOR = "PartitionSensor(task_id='wait', spec_path={spec!r}, poke_interval=0.2, timeout=600)"
# mapped, as days and models of a DAG of one's own are
WHOLE_DAY = "RunPartitionOperator.partial(task_id='wait', poll_s=0.2).expand(spec_path=[{spec!r}])"


@pytest.mark.usefixtures("airflow_home")
@pytest.mark.parametrize("task", [pytest.param(SENSOR, id="sensor"), pytest.param(WHOLE_DAY, id="whole-day")])
def test_a_task_waits_in_the_triggerer_until_the_marker_is_there(tmp_path: Path, task: str):
    day = str(datetime.now(UTC).date())
    archive = Archive(str(tmp_path), write_file)
    archive.write_reference()
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    spec = str(tmp_path / "loans.yaml")
    (tmp_path / "waits.py").write_text(DAG_FILE.format(day=day, task=task.format(spec=spec)))
    command = [sys.executable, "-m", "tests.support.dag_run", str(tmp_path / "waits.py"), day]
    given = {
        **os.environ,
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True",
        "AIRFLOW__MLMON__STORE": f"sqlite:///{tmp_path / 'store.db'}",
        "AIRFLOW__MLMON__WORKSPACE": str(tmp_path / "workspace"),
    }
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, env=given) as process:
        while process.poll() is None and "Pausing task as DEFERRED" not in (tmp_path / "log").read_text():
            time.sleep(0.1)
        was_deferred = process.poll() is None
        archive.write(archive.predictions_uri(datetime.now(UTC).date(), "_SUCCESS"), b"")

    text = (tmp_path / "log").read_text()
    assert was_deferred, text[-3000:]
    [found] = [json.loads(line) for line in text.splitlines() if line.startswith('{"state"')]
    assert (found["state"], found["tasks"]) == ("success", {"wait": "success"})
    if task == WHOLE_DAY:
        with MetricStore(given["AIRFLOW__MLMON__STORE"]) as store:
            states = store.states("loans", date.fromisoformat(day), date.fromisoformat(day))
        assert [state.status for state in states] == [Status.NO_DATA]
