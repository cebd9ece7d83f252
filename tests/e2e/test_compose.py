"""The stack of docker-compose.yaml, by its own commands, configuration and health checks, and a day in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import boto3
import psycopg
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from include.demo.archive import write_archive
from tests.support.composed import Composed, made_secrets
from tests.support.prometheus import eventually

pytestmark = pytest.mark.service

DAY = "2013-03-08"
# all but Druid, Grafana, Loki and Tempo, and the archive of the example
SERVICES = (
    "postgres",
    "s3",
    "init",
    "archive",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "prometheus",
    "alertmanager",
    "collector",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    folder = tmp_path_factory.mktemp("compose")
    with Composed(folder, SERVICES, made_secrets(folder) | {"OTEL_ON": "True"}) as started:
        yield started


@pytest.fixture(scope="module")
def airflow(stack: Composed) -> Iterator[requests.Session]:
    """A session of Airflow's user."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{address(stack)}/auth/token", json=login(stack.secrets["AIRFLOW_PASSWORD"]), timeout=60)
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield session


@pytest.fixture(scope="module")
def run(stack: Composed, airflow: requests.Session) -> dict[str, Any]:
    """A day of the example model, started by hand, once it has ended."""
    runs = f"{address(stack)}/api/v2/dags/flights/dagRuns"
    asked = {"dag_run_id": "asked", "logical_date": None, "conf": {"partition": DAY}}

    def started() -> bool:
        # once the DAG is known, and its archive is there
        return airflow.post(runs, json=asked, timeout=60).status_code in {200, 409}

    def ended() -> dict[str, Any] | None:
        stack.check()
        found = airflow.get(f"{runs}/asked", timeout=60).json()
        tasks = airflow.get(f"{runs}/asked/taskInstances", timeout=60).json()["task_instances"]
        refused = [task["task_id"] for task in tasks if task["state"] == "up_for_retry"]
        assert not refused, stack.log("scheduler")
        return found if found["state"] in {"success", "failed"} else None

    assert eventually(started, seconds=240), stack.log("dag-processor")
    return dict(eventually(ended, seconds=400) or {})


def address(stack: Composed) -> str:
    return f"http://127.0.0.1:{stack.port('api-server', 8080)}"


def login(password: str) -> dict[str, str]:
    return {"username": "admin", "password": password}


def database(stack: Composed, user: str, password: str, name: str) -> str:
    return f"postgresql://{user}:{password}@127.0.0.1:{stack.port('postgres', 5432)}/{name}"


def s3(stack: Composed, password: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{stack.port('s3', 7070)}",
        region_name="us-east-1",
        aws_access_key_id="mlmon",
        aws_secret_access_key=password,
        config=Config(signature_version="s3v4"),
    )


def ask(stack: Composed, service: str, port: int, path: str) -> Any:
    return requests.get(f"http://127.0.0.1:{stack.port(service, port)}{path}", timeout=10).json()


def test_day_runs_and_its_page_is_in_the_bucket(stack, run):
    assert run.get("state") == "success", stack.log("scheduler")
    place = {"Bucket": "mlmon", "Prefix": f"workspace/reports/flights/{DAY}/"}
    pages = [found["Key"] for found in s3(stack, stack.secrets["S3_SECRET_KEY"]).list_objects_v2(**place)["Contents"]]
    assert f"workspace/reports/flights/{DAY}/report.html" in pages


def test_doctor_finds_nothing_wrong(stack, run):
    lines = stack.run("scheduler", "mlmon", "doctor", "--json").splitlines()
    # with its metrics on, Airflow logs to standard output before the command begins
    found = [json.loads(line) for line in lines if line.startswith("{")]

    assert {"store", "workspace"} <= {finding["part"] for finding in found}
    assert [finding for finding in found if finding["health"] == "failure"] == []


def test_airflow_serves_the_page_and_the_logs(stack, airflow, run):
    page = airflow.get(f"{address(stack)}/mlmon/flights/{DAY}/report.html", timeout=60)
    logs = f"/api/v2/dags/flights/dagRuns/{run['dag_run_id']}/taskInstances/prepare_partition/logs/1"
    log = airflow.get(f"{address(stack)}{logs}", timeout=60)

    assert (page.status_code, "979" in page.text) == (200, True)
    assert (log.status_code, "reading the archive" in log.text) == (200, True)


def test_collector_has_spans_and_lines_of_the_day_to_which_the_page_leads(stack, airflow, run):
    page = airflow.get(f"{address(stack)}/mlmon/flights/{DAY}/report.html", timeout=60).text
    accepted = eventually(lambda: accepted_by_the_collector(stack))

    assert {"spans", "log_records", "metric_points"} <= accepted
    grafana = f"http://127.0.0.1:{stack.port('grafana', 3000)}/explore?"
    assert {"tempo", "loki"} <= {
        source for source in ("tempo", "loki") for link in links(page, grafana) if source in link
    }


def accepted_by_the_collector(stack: Composed) -> set[str]:
    """Of what it has taken something; empty unless of all."""
    text = requests.get(f"http://127.0.0.1:{stack.port('collector', 8888)}/metrics", timeout=10).text
    found = re.findall(r"^otelcol_receiver_accepted_(\w+?)(?:_total)?\{.* [1-9]", text, flags=re.MULTILINE)
    return set(found) if len(set(found)) == 3 else set()


def links(page: str, beginning: str) -> list[str]:
    return [link for link in re.findall(r'href="([^"]*)"', page) if link.startswith(beginning)]


def test_prometheus_scrapes_the_day_and_has_the_rules(stack, run):
    query = "/api/v1/query?query=mlmon_rows{model='flights'}"
    found = eventually(lambda: ask(stack, "prometheus", 9090, query)["data"]["result"])
    rules = [
        rule["name"]
        for group in ask(stack, "prometheus", 9090, "/api/v1/rules")["data"]["groups"]
        for rule in group["rules"]
    ]

    assert [series["value"][1] for series in found] == ["979"]
    assert {"MlmonModelSilent", "MlmonUnreachable"} <= set(rules)


def test_alerts_of_models_and_of_rules_have_an_alertmanager(stack, run):
    told = [alert["labels"] for alert in ask(stack, "alertmanager", 9093, "/api/v2/alerts")]
    receivers = ask(stack, "prometheus", 9090, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]

    assert ("flights", "score_mean") in {(labels["model"], labels.get("metric")) for labels in told}
    assert [each["url"] for each in receivers] == [f"http://127.0.0.1:{stack.port('alertmanager', 9093)}/api/v2/alerts"]


def test_grafana_may_read_the_store_and_nothing_else(stack, run):
    password = stack.secrets["STORE_READER_PASSWORD"]
    with psycopg.connect(database(stack, "grafana", password, "mlmon")) as store:
        rows = store.execute("SELECT rows_accepted FROM mlmon_partitions WHERE day = %s", (DAY,)).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            store.execute("DELETE FROM mlmon_alerts")

    assert rows == [(979,)]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(database(stack, "grafana", password, "airflow"))


def test_archive_can_be_written_again(stack, run):
    day = date.fromisoformat(DAY)

    assert write_archive(s3(stack, stack.secrets["S3_SECRET_KEY"]), day, day, lambda *_: iter(())) == 0


@pytest.mark.parametrize("user", ["postgres", "airflow", "mlmon", "druid", "grafana"])
def test_database_has_no_default_password(stack, user):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database(stack, user, user, "postgres"))


def test_nobody_gets_in_without_the_secrets(stack):
    with pytest.raises(ClientError, match="403"):
        s3(stack, "mlmon").head_bucket(Bucket="mlmon")
    assert requests.post(f"{address(stack)}/auth/token", json=login("admin"), timeout=60).status_code == 401
    assert requests.get(f"{address(stack)}/mlmon/metrics", timeout=60).status_code == 401
