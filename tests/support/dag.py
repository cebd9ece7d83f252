"""Runs an archive's nightly DAG by `dag.test()`, in a process of its own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.archive import Archive

DAG_FILE = """
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags({folder!r}, default_args={{"retries": 0}}))
"""


class EventOfAsset(NamedTuple):
    """Event that Airflow has recorded of an asset."""

    uri: str
    partition_key: str | None
    extra: dict[str, Any]


def asset_events(home: Path) -> list[EventOfAsset]:
    """Every asset event in Airflow's database, oldest first."""
    query = (
        "SELECT asset.uri, asset_event.partition_key, asset_event.extra "
        "FROM asset_event JOIN asset ON asset.id = asset_id ORDER BY asset_event.id"
    )
    with closing(sqlite3.connect(home / "airflow.db")) as connection:
        return [EventOfAsset(uri, key, json.loads(extra)) for uri, key, extra in connection.execute(query)]


def run_dag_file(
    folder: Path,
    archive: Archive,
    day: str,
    *replacements: tuple[str, str],
    dag_id: str = "",
    conf: dict[str, Any] | None = None,
    **environment: str,
) -> dict[str, Any]:
    """Run the DAG, of several the one of that id, for a day; its state, its tasks' states and XComs, and the log."""
    dags = folder / "dags"
    dags.mkdir(parents=True, exist_ok=True)
    (dags / "loans.yaml").write_text(archive.spec_text(*replacements))
    (dags / "loans.py").write_text(DAG_FILE.format(folder=str(dags)))
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dag_run", str(dags / "loans.py"), day, dag_id, json.dumps(conf or {})],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
            "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
            **environment,
        },
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"state"')]
    if not lines:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return json.loads(lines[-1]) | {"log": done.stdout + done.stderr}
