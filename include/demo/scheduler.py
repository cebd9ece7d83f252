"""Airflow's scheduler with the heavy libraries imported before its workers fork.

Each task is a fork of the scheduler, so imports made here cost it nothing. They are made while the database is still
being created; the scheduler itself starts when the file named on the command line exists:
`python -m include.demo.scheduler <file> scheduler …`.
"""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import sys
import time
from pathlib import Path

import airflow_mlmon

_LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "pyarrow.compute",
    "scipy.stats",
    "great_expectations",
    "great_expectations.expectations",
    "evidently",
    "evidently.presets",
    "matplotlib.pyplot",
    "sqlalchemy.dialects.sqlite",
    "alembic.command",
    "boto3",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
)


def preload() -> None:
    """Import the libraries, and every module of airflow_mlmon, without running anything."""
    # one line per decorated function otherwise
    logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
    for name in _LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(airflow_mlmon.__path__, "airflow_mlmon."):
        if ".migrations" not in module.name:  # these run on import
            importlib.import_module(module.name)


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
