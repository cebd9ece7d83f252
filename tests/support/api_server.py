"""Airflow's real API server, on a home of its own, with users and their tokens."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.support.processes import answers, await_ready, free_port, start, stop

AIRFLOW = str(Path(sys.executable).with_name("airflow"))
# by Airflow's auth manager for development, with rules for single DAGs: the stranger may not read loans, the clerk
# may do everything to loans and churn, and nothing to others, and the starter may only read loans and start its runs
AUTH = """
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

class Doorman(SimpleAuthManager):
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        dag = details.id if details is not None else None
        if user.username == "stranger" and dag == "loans":
            return False
        if user.username == "clerk" and dag not in (None, "loans", "churn"):
            return False
        if user.username == "starter" and (dag not in (None, "loans") or method == "PUT"):
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
"""
USERS = {
    "viewer": "viewer",
    "stranger": "viewer",
    "clerk": "user",
    "starter": "user",
    "user": "user",
    "admin": "admin",
}


@cache
def migrated_database() -> Path:
    """A database of Airflow in which nothing has happened yet, made once below the session's AIRFLOW_HOME."""
    home = Path(os.environ["AIRFLOW_HOME"]) / "migrated"
    given = {**os.environ, "AIRFLOW_HOME": str(home)}
    subprocess.run([AIRFLOW, "db", "migrate"], check=True, capture_output=True, env=given)
    return home / "airflow.db"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str


class ApiServer:
    """An API server with the plugin and the DAG files of `home`/dags, without a scheduler."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.port = free_port()
        passwords = home / "passwords.json"
        self.environment = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}/sub",
            "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef" * 4,
            "AIRFLOW__CORE__AUTH_MANAGER": "doorman.Doorman",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            **environment,
        }
        (home / "config").mkdir(parents=True, exist_ok=True)
        (home / "config" / "doorman.py").write_text(AUTH)
        passwords.write_text(json.dumps({name: name for name in USERS}))

    def __enter__(self) -> Self:
        shutil.copy(migrated_database(), self.home / "airflow.db")
        given = {**os.environ, **self.environment}
        subprocess.run([AIRFLOW, "dags", "reserialize"], check=True, capture_output=True, env=given)
        log = self.home / "api-server.log"
        command = [AIRFLOW, "api-server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self._process = start(command, log, self.environment)
        await_ready(self._process, lambda: answers(self.port), log)
        self.tokens = {name: self._token(name) for name in USERS}
        return self

    def __exit__(self, *_: object) -> None:
        # it has nothing to finish
        stop(self._process, seconds=2)

    def get(self, path: str, user: str | None = None, *, token: str | None = None, cookie: bool = False) -> Answer:
        """GET a path as it is written, below the server's sub-path."""
        token = self.tokens[user] if user else token
        headers = {"Cookie": f"_token={token}"} if cookie else {"Authorization": f"Bearer {token}"}
        return self._ask("GET", path, headers if token else {})

    def post(self, path: str, fields: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> Answer:
        """POST a form as a browser does, with the headers given."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", path, sent, urlencode(fields).encode())

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def start_run(self, dag_id: str, run_id: str, **fields: Any) -> None:
        """Start a DAG run as Airflow's API does; nothing executes it."""
        body = {"dag_run_id": run_id, "logical_date": None, **fields}
        self.call("POST", f"/dags/{dag_id}/dagRuns", body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What Airflow's API answers the admin, from JSON."""
        token = {"Authorization": f"Bearer {self.tokens['admin']}"}
        answer = self._ask(method, f"/api/v2{path}", token, body)
        assert answer.status == 200, answer.text
        return json.loads(answer.text)

    def _token(self, user: str) -> str:
        answer = self._ask("POST", "/auth/token", {}, {"username": user, "password": user})
        return str(json.loads(answer.text)["access_token"])

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            content = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, f"/sub{path}", content, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(status=response.status, headers={k.lower(): v for k, v in response.getheaders()}, text=text)
        finally:
            connection.close()
