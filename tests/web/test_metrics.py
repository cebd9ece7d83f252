"""The state of all models as gauges, scraped from Airflow's real API server by a real Prometheus."""

from __future__ import annotations

import subprocess
from contextlib import closing

import pytest

from airflow_mlmon.store.database import Database
from airflow_mlmon.store.migration import read_revision, take_back
from airflow_mlmon.store.schema import SCHEMA_VERSION
from tests.support.api_server import ApiServer
from tests.support.monitored import LAST, METRICS_TOKEN, OTHERS
from tests.support.prometheus import Prometheus, eventually

pytestmark = pytest.mark.service

PATH = "/mlmon/metrics"


@pytest.fixture(scope="module")
def prometheus(server: ApiServer, tmp_path_factory):
    with Prometheus.of_airflow(tmp_path_factory.mktemp("prometheus"), server.port, METRICS_TOKEN) as started:
        assert eventually(lambda: started.query("up == 1"))
        yield started


@pytest.mark.parametrize("token", [None, "", "for-prometheus-alonE", "no.such.token"])
def test_nobody_else_gets_the_metrics(server, token):
    assert server.get(PATH, token=token).status == 401


def test_airflow_user_is_no_scraper(server):
    assert server.get(PATH, "admin").status == 401


def test_metrics_follow_the_conventions(server):
    text = server.get(PATH, token=METRICS_TOKEN).text

    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_prometheus_knows_every_model_and_its_state(prometheus):
    info = {labels["model"]: labels for labels, _ in prometheus.query("mlmon_model_info")}
    status = {labels["model"]: labels["status"] for labels, _ in prometheus.query("mlmon_model_status == 1")}

    assert set(info) == set(status) == {"loans", "refunds", *OTHERS}
    assert info["loans"]["task"] == "binary"
    assert status["refunds"] == "broken"


def test_prometheus_can_tell_how_late_a_model_is(prometheus):
    [(_, late)] = prometheus.query(
        'mlmon_expected_partition_timestamp_seconds{model="loans"} - mlmon_evaluated_partition_timestamp_seconds'
    )

    assert late > 0
    assert late % 86_400 == 0


def test_a_model_has_few_series(prometheus):
    assert max(number for _, number in prometheus.query('count by (model) ({job="mlmon", model=~".+"})')) <= 48


def test_gauges_are_those_of_the_day(prometheus, server):
    [(_, rows)] = prometheus.query('mlmon_rows{model="loans"}')
    page = server.get(f"/mlmon/loans/{LAST}/report.html", "viewer").text

    assert f"{int(rows):,}" in page or str(int(rows)) in page


def test_steps_of_the_last_day_tell_how_long_they_took(prometheus):
    took = {labels["step"]: value for labels, value in prometheus.query('mlmon_step_duration_seconds{model="loans"}')}
    failed = prometheus.query('mlmon_step_failed{model="loans"} == 1')

    assert {"prepare_partition", "evaluate_partition"} <= set(took)
    assert all(value > 0 for value in took.values())
    assert failed == []


def test_scrape_during_a_migration_fails_and_the_next_is_right(prometheus, server):
    """It waits for whoever migrates the store, for longer than a scrape may take, and shows no wrong number."""
    known = 'mlmon_rows{model="loans"}'
    before = [value for _, value in prometheus.query(known)]
    with closing(Database(f"sqlite:///{server.home / 'store.db'}")) as database:
        take_back(database, "0022")
        with database.writing("schema"):
            assert eventually(lambda: prometheus.query("up == 0"))
            assert read_revision(database) == "0022"

        assert eventually(lambda: prometheus.query("up == 1") and prometheus.query(known))

        assert [value for _, value in prometheus.query(known)] == before != []
        assert read_revision(database) == SCHEMA_VERSION
