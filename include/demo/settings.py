"""Files and environment of the demo and of the processes that it starts."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.demo.services import read_running

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("MLMON_DEMO_FOLDER", CHECKOUT / ".demo")).absolute()
# location of the Druid that `make druid` starts
DRUID_FOLDER = CHECKOUT / ".druid"
DRUID_RECORD = "running.json"
DRUID_PORT = 8888
SPEC = CHECKOUT / "include" / "models" / "flights.yaml"
MODEL = "flights"
USER = "admin"
_KEY = "mlmon-demo"  # moto accepts any key
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Folder, ports and secrets of one run of the demo."""

    folder: Path
    s3_port: int
    api_port: int
    password: str
    secret: str
    idle_sleep_s: float

    @property
    def airflow_home(self) -> Path:
        """Airflow's home."""
        return self.folder / "airflow"

    @property
    def logs(self) -> Path:
        """Folder of the output of the processes."""
        return self.folder / "logs"

    @property
    def workspace(self) -> Path:
        """Workspace of airflow_mlmon; the reports are in `reports` below it."""
        return self.folder / "workspace"

    @property
    def store(self) -> str:
        """SQLAlchemy URL of the metric store."""
        return f"sqlite:///{self.folder / 'mlmon.db'}"

    @property
    def address(self) -> str:
        """URL of Airflow."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def go(self) -> Path:
        """File that the scheduler waits for."""
        return self.folder / "go"


def fresh_settings(folder: Path, *, idle_sleep_s: float) -> Settings:
    """Empty the demo's folder, and choose free ports and new secrets."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()
    s3_port, api_port = free_ports(2)
    settings = Settings(
        folder=folder,
        s3_port=s3_port,
        api_port=api_port,
        password=secrets.token_urlsafe(12),
        secret=secrets.token_hex(32),
        idle_sleep_s=idle_sleep_s,
    )
    for path in (settings.airflow_home, settings.logs, settings.workspace):
        path.mkdir(parents=True)
    # an existing file is not written by each of the processes that start at once
    (settings.airflow_home / "airflow.cfg").write_text("# the demo sets everything in the environment\n")
    _write_private(_password_file(settings), json.dumps({USER: settings.password}))
    return settings


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables that the demo sets in the environment."""
    endpoint = f"http://127.0.0.1:{settings.s3_port}"
    connection = {
        "conn_type": "aws",
        "login": _KEY,
        "password": _KEY,
        "extra": {"endpoint_url": endpoint, "region_name": _REGION},
    }
    return _druid() | {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(settings)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.api_port),
        "AIRFLOW__API__BASE_URL": settings.address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "10000",
        "AIRFLOW__API__SECRET_KEY": settings.secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": settings.secret,
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": str(settings.idle_sleep_s),
        # a worker that just misses the end of a task looks again after this many seconds, not 5
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__MLMON__STORE": settings.store,
        "AIRFLOW__MLMON__WORKSPACE": str(settings.workspace),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _KEY,
        "AWS_DEFAULT_REGION": _REGION,
        # one thread per task: there are as many tasks as cores, and the scheduler forks
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _druid() -> dict[str, str]:
    """Return the Druid connection, if `make druid` has started one."""
    if not read_running(DRUID_FOLDER / DRUID_RECORD):
        return {}
    connection = {"conn_type": "mlmon_druid", "host": f"http://localhost:{DRUID_PORT}"}
    return {"AIRFLOW_CONN_MLMON_DRUID_DEFAULT": json.dumps(connection)}


def environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a process of the demo.

    The variables of another Airflow and of AWS are left out, so that the demo can reach neither.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith(("AIRFLOW", "AWS_"))}
    # without bytecode each process would compile every library again
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | variables(settings)


def write_env_file(settings: Settings) -> Path:
    """Write a file to source, after which `mlmon` and `airflow` work from a shell."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(settings).items()]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    path = settings.folder / "env"
    _write_private(path, "\n".join(lines) + "\n")
    return path


def _password_file(settings: Settings) -> Path:
    return settings.airflow_home / "simple_auth_manager_passwords.json.generated"


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def free_ports(count: int) -> list[int]:
    """Find free ports; all are held until the last is found."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
