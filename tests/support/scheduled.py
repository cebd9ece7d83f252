"""A real scheduler beside the API server, with what its tasks need imported before they fork."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.api_server import ApiServer
from tests.support.environments import ROOT
from tests.support.processes import free_port, start, stop


@contextmanager
def scheduled(server: ApiServer, prepare: Callable[[], None] = lambda: None) -> Iterator[ApiServer]:
    """Start a scheduler and the server; `prepare` runs between the two, as SQLite refuses some calls beside both."""
    server.environment |= {
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{server.port}/sub/execution/",
        "AIRFLOW__CORE__DAGS_FOLDER": str(server.home / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{server.home / 'airflow.db'}",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # a worker that just misses the end of a task looks again after a second, not after five
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "PYTHONPATH": str(ROOT),
    }
    go = server.home / "go"
    command = [sys.executable, "-m", "include.demo.scheduler", str(go), "scheduler"]
    scheduler = start(command, server.home / "scheduler.log", server.environment)
    try:
        with server:
            prepare()
            go.touch()
            yield server
    finally:
        # what has begun need not end
        stop(scheduler, seconds=2)
