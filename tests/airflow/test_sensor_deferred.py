"""The sensor in a DAG run where tasks are deferred: it waits in the triggerer, and goes on at the marker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.archive import Archive
from tests.support.runs import write_file

DAG_FILE = """
from airflow.sdk import DAG
from airflow_mlmon.sensors.partition import PartitionSensor
with DAG("waits", schedule=None, params={{"partition": {day!r}, "force": True}}):
    PartitionSensor(task_id="wait", spec_path={spec!r}, poke_interval=0.2, timeout=120)
"""


@pytest.mark.usefixtures("airflow_home")
@pytest.mark.timeout(120)
def test_sensor_waits_in_the_triggerer_until_the_marker_is_there(tmp_path: Path):
    day = str(datetime.now(UTC).date())
    archive = Archive(str(tmp_path), write_file)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    (tmp_path / "waits.py").write_text(DAG_FILE.format(day=day, spec=str(tmp_path / "loans.yaml")))
    command = [sys.executable, "-m", "tests.support.dag_run", str(tmp_path / "waits.py"), day]
    given = {
        **os.environ,
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True",
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
