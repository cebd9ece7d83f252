"""A model's gauges in a real push gateway, scraped by a real Prometheus, and in a file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.errors import ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.notifications.gauges import publish_gauges
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.settings import Settings, read_environment_settings
from tests.support.archive import FIRST, day_table
from tests.support.inbox import web_server
from tests.support.nightly_model import evaluate_day
from tests.support.processes import require
from tests.support.prometheus import Prometheus, PushGateway, eventually
from tests.support.runs import local_archive, opened

pytestmark = pytest.mark.service

DAYS = 3
ONLY_RULES = ("alerts:\n", "alerts:\n  evaluation: {rate: 0}\n")
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime.combine(LAST + timedelta(days=1), time(6), UTC)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[Run]:
    """A model with three days; the scores of the last one are too high."""
    folder = tmp_path_factory.mktemp("gauges")
    archive = local_archive(folder, DAYS)
    archive.write_day(LAST, shift=0.3)
    with opened(folder, archive, ONLY_RULES) as run:
        for offset in range(DAYS):
            evaluate_day(run, Partition.of_day(run.model, FIRST + timedelta(days=offset)))
        yield run


@pytest.fixture
def gateway(tmp_path) -> Iterator[PushGateway]:
    with PushGateway(tmp_path) as server:
        yield server


def pushing_to(url: str, monkeypatch) -> Settings:
    receiver = {"conn_type": "http", "host": url, "extra": {"allow_private": True}}
    monkeypatch.setenv("AIRFLOW_CONN_GATEWAY", json.dumps(receiver))
    return read_environment_settings({"AIRFLOW_HOME": "/nowhere", "AIRFLOW__MLMON__PUSHGATEWAY": "gateway"})


def writing_to(folder: Path) -> Settings:
    return read_environment_settings({"AIRFLOW_HOME": "/nowhere", "AIRFLOW__MLMON__METRICS_FOLDER": str(folder)})


def test_prometheus_scrapes_what_was_pushed(run, gateway, tmp_path, monkeypatch):
    publish_gauges(run, pushing_to(gateway.url, monkeypatch), NOW)

    with Prometheus.of_gateway(tmp_path, gateway.port) as prometheus:
        [(labels, rows)] = eventually(lambda: prometheus.query("mlmon_rows"))
        alerts = prometheus.query("mlmon_alerts_open")
        [(_, evaluated)] = prometheus.query("mlmon_evaluated_partition_timestamp_seconds")
        [(status, _)] = prometheus.query("mlmon_model_status == 1")
        accuracy = prometheus.query("mlmon_accuracy")
        [(_, labelled)] = prometheus.query("mlmon_labelled_partition_timestamp_seconds")

    assert (labels["job"], labels["model"], rows) == ("mlmon", "loans", day_table(LAST).num_rows)
    assert {labels["severity"]: value for labels, value in alerts} == {"critical": 0, "warning": 1}
    assert datetime.fromtimestamp(evaluated, UTC) == datetime.combine(LAST, time(), UTC)
    assert status["status"] == "alerting"
    # the labels of the last day have not come; most of the one before have
    assert evaluated - labelled == timedelta(days=1).total_seconds()
    assert [0 < value < 1 for _, value in accuracy] == [True]


def test_second_push_replaces_the_first(run, gateway, monkeypatch):
    settings = pushing_to(gateway.url, monkeypatch)
    publish_gauges(run, settings, NOW)
    publish_gauges(run, settings, NOW)

    [group] = gateway.get("/api/v1/metrics")["data"]
    assert len(group["mlmon_rows"]["metrics"]) == 1


def test_file_is_as_promtool_wants_it_and_whole(run, tmp_path):
    require(available=shutil.which("promtool") is not None, what="promtool (Debian's prometheus)")
    publish_gauges(run, writing_to(tmp_path / "collector"), NOW)

    [path] = (tmp_path / "collector").iterdir()
    assert path.name == "mlmon_loans.prom"
    done = subprocess.run(["promtool", "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_gateway_that_is_down_is_unavailable_and_the_file_is_written_all_the_same(run, gateway, tmp_path, monkeypatch):
    gateway.kill()
    pushing_to(gateway.url, monkeypatch)
    names = {"PUSHGATEWAY": "gateway", "METRICS_FOLDER": str(tmp_path / "collector")}
    settings = read_environment_settings({f"AIRFLOW__MLMON__{name}": value for name, value in names.items()})

    with pytest.raises(ServiceUnavailableError, match=r"The Pushgateway at 127\.0\.0\.1 cannot be reached"):
        publish_gauges(run, settings, NOW)

    assert (tmp_path / "collector" / "mlmon_loans.prom").exists()


def test_gateway_that_redirects_is_not_followed(run, monkeypatch):
    with web_server() as inbox:
        inbox.status, inbox.location = 307, f"{inbox.url}/inward"

        with pytest.raises(ServiceRejectedError, match="redirects are not followed"):
            publish_gauges(run, pushing_to(inbox.url, monkeypatch), NOW)

        assert inbox.paths == ["/metrics/job/mlmon/model/loans"]
