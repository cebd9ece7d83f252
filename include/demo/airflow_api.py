"""Client of the part of Airflow's REST API that the demo needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any

import requests

_TIMEOUT_S = 30.0
_TRY_SECONDS = 60.0
# a backfill is still counted as running, or SQLite is locked
_TRY_AGAIN = {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE}
_ENDED = {"success", "failed", "skipped", "upstream_failed", "removed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTask:
    """Task of one day as reported by Airflow."""

    day: date
    task: str
    run: str
    state: str | None
    attempt: int

    @property
    def is_ended(self) -> bool:
        """Whether the task has reached a final state."""
        return self.state in _ENDED


class AirflowApiError(Exception):
    """Airflow refused a request."""


class AirflowApi:
    """Session of one user."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy does not know this machine's own addresses
        answer = self._ask("POST", "/auth/token", json={"username": user, "password": password})
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def create_backfill(self, dag_id: str, first: date, last: date) -> None:
        """Queue a run for each day, in order, one at a time; retry while Airflow is busy.

        Raises:
            AirflowApiError: the request was refused, or the DAG does not exist; with the reason.
        """
        deadline = time.monotonic() + _TRY_SECONDS
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "max_active_runs": 1,
            "reprocess_behavior": "none",
            "run_backwards": False,
            "dag_run_conf": {},
        }
        while True:
            answer = self._send("POST", "/api/v2/backfills", json=body)
            if answer.status_code == HTTPStatus.NOT_FOUND:
                raise AirflowApiError(f"Airflow has no DAG {dag_id!r}. {self._import_errors()}".strip())
            if answer.status_code not in _TRY_AGAIN or time.monotonic() > deadline:
                _refuse_errors(answer)
                return
            time.sleep(0.5)

    def tasks(self, dag_id: str) -> list[DayTask]:
        """List every task of every run."""
        answer = self._ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances", params={"limit": 10_000})
        return [
            DayTask(
                # a run is named after the day *after* its partition; its logical date is that of the partition
                day=date.fromisoformat(item["logical_date"][:10]),
                task=item["task_id"],
                run=item["dag_run_id"],
                state=item["state"],
                attempt=item["try_number"],
            )
            for item in answer.json()["task_instances"]
        ]

    def _import_errors(self) -> str:
        """Return the last line of the import error of each DAG file."""
        found = self._ask("GET", "/api/v2/importErrors").json()["import_errors"]
        return "\n".join(f"{item['filename']}: {item['stack_trace'].strip().splitlines()[-1]}" for item in found)

    def _ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        answer = self._send(method, path, **arguments)
        _refuse_errors(answer)
        return answer

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self._session.request(method, self._address + path, timeout=_TIMEOUT_S, **arguments)


def _refuse_errors(answer: requests.Response) -> None:
    if not answer.ok:
        raise AirflowApiError(f"Airflow answered {answer.status_code} to {answer.url}: {answer.text[:300]}")
