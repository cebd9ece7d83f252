"""A real MLflow server on loopback: SQLite below it, its artifacts served by itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import requests
from mlflow import MlflowClient

from tests.support.guards import ROOT
from tests.support.processes import await_ready, free_port, require, start, stop

PYTHON = ROOT / ".cache" / "environments" / "mlflow" / "bin" / "python"
# also for the processes that speak to it
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}


class MlflowServer:
    """A server that a test may stop; `url` is its address, `folder` holds its database and artifacts."""

    def __enter__(self) -> Self:
        require(available=PYTHON.exists(), what="MLflow's environment (make environments)")
        self._temporary = tempfile.TemporaryDirectory(prefix="mlmon-mlflow-")
        self.folder = Path(self._temporary.name)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._temporary.cleanup()

    def start(self) -> None:
        """Start it, with what it kept."""
        log = self.folder / "server.log"
        places = ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        places += ["--artifacts-destination", str(self.folder / "artifacts"), "--serve-artifacts"]
        server = [str(PYTHON), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = start([*server, "--workers", "1", *places], log, QUIET)
        await_ready(self._process, self._is_ready, log)

    def stop(self) -> None:
        """Stop it; `start` starts it again."""
        stop(self._process)

    def client(self) -> MlflowClient:
        """A client of the server, as a person who trains models has it."""
        return MlflowClient(tracking_uri=self.url, registry_uri=self.url)

    def log_model(self, run_id: str, name: str) -> str:
        """Log the model of mlflow_model.py to a run, register it, and return its version."""
        script = ROOT / "tests" / "support" / "mlflow_model.py"
        environment = {**os.environ, **self.environment()}
        logged = subprocess.run(
            [PYTHON, "-P", script, run_id, name], env=environment, check=True, capture_output=True, text=True
        )
        return logged.stdout.rpartition("\n")[2]

    def environment(self) -> dict[str, str]:
        """What a process needs to speak to it, also through the connection of the monitoring."""
        return QUIET | {"MLFLOW_TRACKING_URI": self.url, "AIRFLOW_CONN_MLMON_MLFLOW_DEFAULT": self.connection()}

    def connection(self, login: str = "", password: str = "") -> str:
        """The Airflow connection of the server, as JSON."""
        fields = {"conn_type": "mlmon_mlflow", "host": self.url, "login": login, "password": password}
        return json.dumps({name: value for name, value in fields.items() if value})

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=2).ok
        except requests.RequestException:
            return False
