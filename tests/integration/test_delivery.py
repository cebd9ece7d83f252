"""A alerting day reaches every kind of channel, with a link and a picture, and without anything personal."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from airflow_mlmon.errors import ServiceUnavailableError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.notifications.senders import build_senders
from airflow_mlmon.partition import DAY, Partition
from airflow_mlmon.pipeline.deciding.alerting import AlertName, act_on_alerts
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.send import send_alerts
from airflow_mlmon.records import Action, ActionKind, Status
from airflow_mlmon.settings import read_environment_settings
from airflow_mlmon.spec.alerts import SharedChannel
from airflow_mlmon.store.outbox import wait_after
from tests.support.archive import FIRST, Archive
from tests.support.inbox import MailBox, WebInbox, mail_server, web_server
from tests.support.nightly_model import evaluate_day
from tests.support.prometheus import Alertmanager, eventually
from tests.support.runs import local_archive, opened

pytestmark = pytest.mark.service

NOW = datetime(2026, 4, 1, tzinfo=UTC)
REPORT = f"https://airflow.example.com/mlmon/loans/{FIRST}/report.html"
ONLY_RULES = "  evaluation: {rate: 0}\n"
CHANNELS = """\
  channels:
    - webhook: hook
    - {alertmanager: am, severity: critical}
    - notifier: airflow.providers.smtp.notifications.smtp.SmtpNotifier
      arguments:
        to: owner@example.org
        from_email: mlmon@example.org
        subject: "{subject}"
        html_content: '<p>{text}</p><a href="{report}">report</a><img src="cid:picture.png" alt="">'
        files: ["{picture}"]
"""
CRITICAL = "- {metric: rows, min: 70, severity: critical}\n    - {metric: score_mean"

# labels come on the days after it, and would open alerts of their own
OF_LABELS = ("    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}\n", "")


@dataclass(slots=True, kw_only=True)
class Receivers:
    mail: MailBox
    hook: WebInbox
    alertmanager: Alertmanager


@pytest.fixture
def receivers(tmp_path: Path, monkeypatch) -> Iterator[Receivers]:
    with ExitStack() as stack:
        found = Receivers(
            mail=stack.enter_context(mail_server()),
            hook=stack.enter_context(web_server()),
            alertmanager=stack.enter_context(Alertmanager(tmp_path)),
        )
        private = {"conn_type": "http", "extra": {"allow_private": True, "signing_secret": "shared"}}
        smtp = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
        connections = {
            "HOOK": private | {"host": found.hook.url},
            "AM": private | {"host": found.alertmanager.url},
            "SMTP_DEFAULT": {"conn_type": "smtp", "host": "127.0.0.1", "port": found.mail.port, "extra": smtp},
        }
        for name, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        yield found


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive whose first day has too few rows, and scores that are too high."""
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, rows=60, shift=0.3)
    return archive


@pytest.fixture
def run(tmp_path: Path, archive: Archive) -> Iterator[Run]:
    changes = (("alerts:\n", f"alerts:\n{ONLY_RULES}{CHANNELS}"), ("- {metric: score_mean", CRITICAL), OF_LABELS)
    with opened(tmp_path, archive, *changes, reports_url="https://airflow.example.com/mlmon") as run:
        yield run


def deliver(run: Run, day: date = FIRST) -> None:
    evaluate_day(run, Partition.of_day(run.model, day))
    now = datetime.now(UTC)
    send_alerts(run, run.partition(day), build_senders(run, now), now)


def test_alerting_day_is_one_message_on_each_channel(run, receivers):
    deliver(run)

    [post] = receivers.hook.posts
    assert [alert["metric"] for alert in post["alerts"]] == ["rows", "score_mean"]
    assert post["report"] == REPORT
    assert receivers.hook.headers[0]["X-Mlmon-Signature"].startswith("t=")
    # only what is critical goes there
    assert [fired["labels"]["metric"] for fired in receivers.alertmanager.firing()] == ["rows"]
    [mail] = receivers.mail.mails
    assert mail["Subject"].startswith("[critical] loans 2026-03-01: rows below its limit and 1 more")
    assert f'<a href="{REPORT}">' in mail.get_body(["html"]).get_content()


def test_mail_shows_a_picture_of_the_metric(run, receivers):
    deliver(run)

    [mail] = receivers.mail.mails
    [picture] = [part for part in mail.walk() if part["Content-ID"] == "<picture.png>"]
    assert picture.get_payload(decode=True).startswith(b"\x89PNG")


def test_mail_about_what_cannot_be_drawn_has_no_picture(run, receivers):
    for path in Path(run.predictions_folder(Partition.of_day(run.model, FIRST))).glob("*.parquet"):
        path.unlink()
    spec = run.spec.model_copy(update={"alerts": run.spec.alerts.model_copy(update={"rules": ()})})

    deliver(replace(run, spec=spec))

    [mail] = receivers.mail.mails
    assert "no data" in mail["Subject"]
    assert not [part for part in mail.walk() if part["Content-ID"]]


def test_nothing_personal_leaves(run, receivers):
    deliver(run)

    sent = [*receivers.hook.bodies, *(mail.as_bytes() for mail in receivers.mail.mails)]
    for mail in receivers.mail.mails:
        sent += [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    told = b"".join(sent) + json.dumps(receivers.alertmanager.firing()).encode()
    assert b"score_mean" in told
    assert not re.search(rb"person\d|@example\.com|" + base64.b64encode(b"person0@example.com"), told)


def test_channel_that_is_down_keeps_no_other_waiting(run, receivers):
    receivers.hook.status = 500

    with pytest.raises(ServiceUnavailableError, match="webhook:hook: The webhook at 127"):
        deliver(run)

    assert len(receivers.mail.mails) == len(receivers.alertmanager.firing()) == 1


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"host": "http://[::1"}, "The URL of the Alertmanager is invalid"),
        ({"host": ""}, "The URL of the Alertmanager has no host"),
        ({"host": "https://am", "extra": "[1]"}, "extra of connection 'am' is not a JSON object"),
        ({"host": "https://am", "extra": {"headers": "X: 1"}}, "`headers` in the extra of connection 'am'"),
    ],
)
def test_connection_that_cannot_be_used_says_why_and_keeps_no_other_waiting(
    run, receivers, monkeypatch, connection, words
):
    monkeypatch.setenv("AIRFLOW_CONN_AM", json.dumps({"conn_type": "http", **connection}))

    with pytest.raises(ServiceUnavailableError, match=re.escape(words)):
        deliver(run)

    assert len(receivers.mail.mails) == len(receivers.hook.posts) == 1


def test_all_that_a_long_backfill_has_to_tell_goes_out_at_once(tmp_path):
    archive = local_archive(tmp_path, 0)
    archive.write_reference()
    days = 23
    rule = ("- {metric: score_mean", "- {metric: rows, min: 70}\n    - {metric: score_mean")
    with opened(tmp_path, archive, ("alerts:\n", f"alerts:\n  clear: 1\n{ONLY_RULES}"), rule, OF_LABELS) as run:
        for offset in range(days):
            day = FIRST + offset * DAY
            archive.write_day(day, rows=60 if offset % 2 == 0 else 80)
            evaluate_day(run, Partition.of_day(run.model, day))

        report = send_alerts(run, run.partition(FIRST), build_senders(run, NOW), NOW)

    assert report.messages == days


def test_shared_channel_gets_the_day_too(run, receivers):
    shared = (SharedChannel(webhook="hook", models=("other",)), SharedChannel(alertmanager="am", owners=("Ada",)))
    spec = run.spec.model_copy(update={"owner": "Ada", "alerts": run.spec.alerts.model_copy(update={"channels": ()})})

    deliver(replace(run, spec=spec, shared_channels=shared))

    assert receivers.hook.posts == []
    assert len(receivers.alertmanager.firing()) == 2
    assert {fired["labels"]["owner"] for fired in receivers.alertmanager.firing()} == {"Ada"}


def test_alertmanager_that_has_forgotten_an_open_alert_is_told_of_it_again(run, archive, receivers):
    deliver(run)
    receivers.alertmanager.restart()
    forgotten = receivers.alertmanager.firing()
    archive.write_day(FIRST + DAY, rows=60)

    deliver(run, FIRST + DAY)

    assert forgotten == []
    assert [fired["labels"]["metric"] for fired in receivers.alertmanager.firing()] == ["rows"]
    # nobody else hears of it twice
    assert len(receivers.hook.posts) == 1


def test_alertmanager_that_restarts_during_the_run_is_told_by_the_next_and_once(run, receivers):
    receivers.alertmanager.kill()

    with pytest.raises(ServiceUnavailableError) as caught:
        deliver(run)

    assert str(caught.value).count("cannot be reached") == 1
    assert run.store.state(run.partition(FIRST)).status is Status.OK
    receivers.alertmanager.restart()
    later = datetime.now(UTC) + wait_after(1)
    first = send_alerts(run, run.partition(FIRST), build_senders(run, later), later)
    second = send_alerts(run, run.partition(FIRST), build_senders(run, later), later)
    assert (first.sent, first.failed, second.messages) == (1, 0, 0)
    assert [fired["labels"]["metric"] for fired in receivers.alertmanager.firing()] == ["rows"]
    # those who were there heard of it once
    assert len(receivers.hook.posts) == len(receivers.mail.mails) == 1


def test_alert_that_resolves_ends_everywhere_and_is_told_only_where_its_beginning_was(run, archive, receivers):
    critical = run.spec.alerts.channels[0].model_copy(update={"severity": "critical"})
    healthy_mail = run.spec.alerts.channels[2].model_copy(update={"resolved": False})
    channels = (critical, run.spec.alerts.channels[1], healthy_mail)
    alerts = run.spec.alerts.model_copy(update={"channels": channels})
    run = replace(run, spec=run.spec.model_copy(update={"alerts": alerts}))

    for offset in range(3):
        if offset:
            archive.write_day(FIRST + offset * DAY)
        deliver(run, FIRST + offset * DAY)

    assert eventually(lambda: not receivers.alertmanager.firing())
    told = [[(alert["metric"], alert["event"]) for alert in post["alerts"]] for post in receivers.hook.posts]
    assert told == [[("rows", "opened")], [("rows", "resolved")]]
    assert len(receivers.mail.mails) == 1


def test_alert_that_somebody_muted_ends_in_the_alertmanager(run, archive, receivers):
    deliver(run)
    mute = Action(kind=ActionKind.MUTE, day=FIRST, until=FIRST + 9 * DAY, who="Ada", why="known", at=datetime.now(UTC))
    act_on_alerts(run, [AlertName(metric="rows")], mute)
    archive.write_day(FIRST + DAY, rows=60)

    deliver(run, FIRST + DAY)

    assert eventually(lambda: not receivers.alertmanager.firing())


def test_run_knows_the_channels_of_the_deployment_by_its_settings(run, tmp_path):
    (tmp_path / "channels.yaml").write_text("channels: [{webhook: desk, models: [lo*]}, {webhook: other, models: [x]}]")
    names = {"STORE": f"sqlite:///{tmp_path / 'store.db'}", "CHANNELS": str(tmp_path / "channels.yaml")}
    settings = read_environment_settings({f"AIRFLOW__MLMON__{name}": value for name, value in names.items()})

    with open_run(run.spec, settings) as configured:
        assert "webhook:desk" in configured.channels
        assert "webhook:other" not in configured.channels
