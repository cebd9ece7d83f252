from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.demo.airflow_api import AirflowApi, AirflowApiError, DayTask

FIRST, LAST = date(2013, 3, 1), date(2013, 3, 2)
TASK = {
    "task_id": "prepare_partition",
    "dag_run_id": "backfill__2013-03-09T00:00:00+00:00",
    "logical_date": "2013-03-08T00:00:00Z",
    "state": "success",
    "try_number": 1,
}


class Airflow(ThreadingHTTPServer):
    """A server that gives prepared answers, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {"/auth/token": [(201, {"access_token": "t"})]}
        self.asked = []

    def session(self) -> AirflowApi:
        return AirflowApi(f"http://127.0.0.1:{self.server_address[1]}", "admin", "secret")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        path = self.path.split("?")[0]
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((path, json.loads(body or "null"), self.headers["Authorization"]))
        status, answer = self.server.answers[path].pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with Airflow() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_backfill_asks_for_the_days_in_order_one_at_a_time(airflow):
    airflow.answers["/api/v2/backfills"] = [(200, {})]

    airflow.session().create_backfill("flights", FIRST, LAST)

    _, body, authorization = airflow.asked[-1]
    assert authorization == "Bearer t"
    assert body["from_date"] == "2013-03-01T00:00:00Z"
    assert body["to_date"] == "2013-03-02T00:00:00Z"
    assert (body["max_active_runs"], body["run_backwards"]) == (1, False)


def test_backfill_is_asked_for_again_while_the_database_is_locked(airflow):
    airflow.answers["/api/v2/backfills"] = [(503, {}), (409, {}), (200, {})]

    airflow.session().create_backfill("flights", FIRST, LAST)

    assert [path for path, *_ in airflow.asked].count("/api/v2/backfills") == 3


def test_dag_that_is_not_there_is_told_with_what_its_file_raised(airflow):
    airflow.answers["/api/v2/backfills"] = [(404, {})]
    error = {"filename": "flights.py", "stack_trace": "Traceback …\nConfigError: model: is missing\n"}
    airflow.answers["/api/v2/importErrors"] = [(200, {"import_errors": [error]})]

    with pytest.raises(
        AirflowApiError, match=r"Airflow has no DAG 'flights'\. flights\.py: ConfigError: model: is missing"
    ):
        airflow.session().create_backfill("flights", FIRST, LAST)


def test_day_of_a_task_is_its_logical_date_and_not_the_date_in_the_name_of_its_run(airflow):
    airflow.answers["/api/v2/dags/flights/dagRuns/~/taskInstances"] = [(200, {"task_instances": [TASK]})]

    tasks = airflow.session().tasks("flights")

    run = "backfill__2013-03-09T00:00:00+00:00"
    assert tasks == [DayTask(day=date(2013, 3, 8), task="prepare_partition", run=run, state="success", attempt=1)]


def test_wrong_password_is_told_with_the_answer(airflow):
    airflow.answers["/auth/token"] = [(401, {"detail": "Invalid credentials"})]

    with pytest.raises(AirflowApiError, match=r"401 .*Invalid credentials"):
        airflow.session()
