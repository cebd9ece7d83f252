"""Airflow's scheduler with the heavy libraries imported before its workers fork.

Each task is a fork of the scheduler, so imports made here cost it nothing. They are made while the database is still
being created; the scheduler itself starts when the file named on the command line exists:
`python -m include.demo.scheduler <file> scheduler …`.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

from airflow_mlmon.preload import preload_tasks

# what the demo's tasks use besides: its archive is in S3, and many of its days are alerting
_LIBRARIES = (
    "airflow_mlmon.reports.evidently",
    "airflow_mlmon.reports.png",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
)


def preload() -> None:
    """Import what the tasks need, without running anything."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    preload_tasks()


def wait_for(go: Path, parent: int) -> bool:
    """Wait for the file; return whether it appeared while the parent was alive."""
    while not go.exists():
        if os.getppid() != parent:
            return False
        time.sleep(0.05)
    return True


def main() -> None:
    """Import, wait, and become the scheduler."""
    parent = os.getppid()
    preload()
    if wait_for(Path(sys.argv[1]), parent):
        from airflow.__main__ import main as airflow  # noqa: PLC0415 - it reads the command line

        sys.argv = ["airflow", *sys.argv[2:]]
        airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
