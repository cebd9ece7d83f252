"""Alerts fire in a real Alertmanager, stay while they are open, and end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_mlmon.alerts.alertmanager import KEPT, AlertmanagerSender
from airflow_mlmon.alerts.delivery import deliver
from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import DayMessage, day_message
from airflow_mlmon.errors import ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import AlertEvent, AlertLifecycle, AlertState
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import wait_after
from tests.support.inbox import web_server
from tests.support.prometheus import Alertmanager, eventually
from tests.support.published import NOW, alert, partition, partition_state, results

pytestmark = pytest.mark.service

REPORT = "https://airflow.example.com/mlmon/flights/2013-03-08/report.html"


@pytest.fixture
def alertmanager(tmp_path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path) as server:
        yield server


def message(*alerts: Any, report: str = REPORT, **changes: Any) -> DayMessage:
    """A message, with changes to what it says of each alert."""
    made = day_message(partition_state(), alerts, report)
    told = [entry | changes for entry in made.payload["alerts"]]
    return replace(made, payload={**made.payload, "alerts": told})


def send(url: str, told: DayMessage, **later: float) -> None:
    endpoint = Endpoint(url, kind="Alertmanager", allow_private=True)
    AlertmanagerSender(endpoint, datetime.now(UTC) + timedelta(**later), "Ada").send(told)


def test_alert_fires_with_its_labels_and_ends(alertmanager):
    opened = alert("null_rate", column="wind_speed", severity="critical")
    told = {"segment": "carrier=UA", "cause": "dest", "since": "2013-03-06"}
    send(alertmanager.url, message(opened, state="open", event="opened", **told))

    [fired] = alertmanager.firing()
    assert fired["labels"] == {
        "alertname": "mlmon_null_rate",
        "model": "flights",
        "metric": "null_rate",
        "column": "wind_speed",
        "segment": "carrier=UA",
        "severity": "critical",
        "owner": "Ada",
    }
    assert fired["annotations"]["summary"] == "null_rate above its limit"
    assert fired["annotations"]["since"] == "2013-03-06"
    assert fired["generatorURL"] == REPORT
    assert datetime.fromisoformat(fired["startsAt"]) == datetime(2013, 3, 6, tzinfo=UTC)
    assert datetime.fromisoformat(fired["endsAt"]) > datetime.now(UTC) + KEPT - timedelta(minutes=1)

    send(alertmanager.url, message(opened, state="resolved", event="resolved", **told))

    assert eventually(lambda: not alertmanager.firing())


@pytest.mark.parametrize("later", [-1, 0, 1, 30])
def test_alert_of_a_day_that_is_not_over_starts_and_ends(alertmanager, later):
    day = Partition.of_day("flights", datetime.now(UTC).date() + timedelta(days=later))
    begun = replace(alert("rows"), partition=day)

    def told(**lifecycle: Any) -> DayMessage:
        known = AlertLifecycle(since=day.day, days=1, **lifecycle)
        return day_message(partition_state(day), [replace(begun, lifecycle=known)])

    send(alertmanager.url, told(state=AlertState.OPEN))

    [fired] = alertmanager.firing()
    assert datetime.fromisoformat(fired["startsAt"]) <= datetime.now(UTC)
    send(alertmanager.url, told(state=AlertState.RESOLVED, event=AlertEvent.RESOLVED))
    assert eventually(lambda: not alertmanager.firing())


def test_refused_alert_takes_no_other_along(tmp_path):
    of, key = partition(), "alertmanager:ops"
    alerts = tuple(alert(name, of) for name in ("rows", "bad", "accuracy"))
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store, web_server() as inbox:
        store.publish(partition_state(of), [results(of, alerts=alerts)], supersedes=None, channels=[key])
        inbox.refused = b"mlmon_bad"
        endpoint = Endpoint(inbox.url, kind="Alertmanager", allow_private=True)

        report = deliver(store, {key: AlertmanagerSender(endpoint, NOW, "Ada")}, NOW)

        assert (report.sent, report.failed) == (2, 1)
        assert "bad above its limit" in report.errors[0]
        taken = [[one["labels"]["metric"] for one in post] for post in inbox.posts if len(post) == 1]
        assert sorted(taken) == [["accuracy"], ["bad"], ["rows"]]
        inbox.refused = None
        assert deliver(store, {key: AlertmanagerSender(endpoint, NOW, "Ada")}, NOW + wait_after(1)).sent == 1


def test_amtool_shows_what_fires(alertmanager):
    send(alertmanager.url, message(alert("accuracy"), alert("rows")))

    shown = subprocess.run(
        ["amtool", "--alertmanager.url", alertmanager.url, "alert", "query", "model=flights", "--output=simple"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert "mlmon_accuracy" in shown
    assert "rows above its limit" in shown


def test_alert_that_worsens_fires_with_one_severity_only(alertmanager):
    send(alertmanager.url, message(alert("accuracy")))

    send(alertmanager.url, message(alert("accuracy", severity="critical"), state="open", event="worsened"))

    fired = eventually(lambda: len(found := alertmanager.firing()) == 1 and found)
    assert [one["labels"]["severity"] for one in fired] == ["critical"]
    send(alertmanager.url, message(alert("accuracy", severity="critical"), state="muted"))
    assert eventually(lambda: not alertmanager.firing())


def test_alert_with_a_report_in_a_folder_fires_without_a_link(alertmanager):
    send(alertmanager.url, message(alert("f1"), report="/srv/reports/flights/2013-03-08/report.html"))

    [fired] = alertmanager.firing()
    assert "generatorURL" not in fired


def test_alertmanager_that_is_down_is_unavailable(tmp_path):
    with Alertmanager(tmp_path) as server:
        server.kill()

        with pytest.raises(ServiceUnavailableError, match=r"The Alertmanager at 127\.0\.0\.1 cannot be reached"):
            send(server.url, message(alert()))


@pytest.mark.parametrize(
    ("status", "error"), [(500, ServiceUnavailableError), (307, ServiceRejectedError), (400, ServiceRejectedError)]
)
def test_alertmanager_that_does_not_take_them_is_an_error(status, error):
    with web_server() as inbox:
        inbox.status, inbox.location = status, f"{inbox.url}/inward"

        with pytest.raises(error, match=f"The Alertmanager at .* replied with status {status}"):
            send(inbox.url, message(alert()))

        assert len(inbox.posts) == 1
