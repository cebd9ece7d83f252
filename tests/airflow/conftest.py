"""A migrated Airflow home of the test session, and DAGs built from an archive's spec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.archive import Archive

DAG_FILE = """
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags({folder!r}, default_args={{"retries": 0}}))
"""


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """The session's AIRFLOW_HOME with a migrated database."""
    home = Path(os.environ["AIRFLOW_HOME"])
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
    return home


@pytest.fixture
def run_dag(airflow_home: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:  # noqa: ARG001 - it must have been migrated
    """Run an archive's DAG for a day with `dag.test()` in a process of its own; states and XComs by task."""

    def run(archive: Archive, day: str, *replacements: tuple[str, str], **environment: str) -> dict[str, Any]:
        folder = tmp_path / "dags"
        folder.mkdir(exist_ok=True)
        (folder / "loans.yaml").write_text(archive.spec_text(*replacements))
        (folder / "loans.py").write_text(DAG_FILE.format(folder=str(folder)))
        done = subprocess.run(
            [sys.executable, "-m", "tests.airflow.dag_run", str(folder / "loans.py"), day],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {
                "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
                "AIRFLOW__MLMON__STORE": f"sqlite:///{tmp_path / 'store.db'}",
                "AIRFLOW__MLMON__WORKSPACE": str(tmp_path / "workspace"),
            }
            | environment,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"state"')]
        assert lines, done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(lines[-1]) | {"log": done.stdout + done.stderr}

    return run
