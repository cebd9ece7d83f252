"""Morning messages by owner: what they say, that each is sent once, and that they arrive on real servers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.alerts.digest import DigestMessage
from airflow_mlmon.alerts.webhook import IDEMPOTENCY_KEY
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError, ServiceUnavailableError
from airflow_mlmon.loading import load_channels
from airflow_mlmon.notifications.senders import build_digest_sender
from airflow_mlmon.pipeline.fleet.digest import DigestReport, send_digests
from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec.alerts import DigestForm, SharedChannel
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.inbox import mail_server, web_server
from tests.support.many_models import MORNING, TODAY, YESTERDAY, fleet_of_every_status, register, run_day

URL = "https://airflow.example.com/mlmon"
LOG = SharedChannel(log=True, digest=DigestForm.FINDINGS)
SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"


class Sent(list[DigestMessage]):
    """Messages of a morning, of a sender that may fail."""

    fails = False

    def __call__(self, _: SharedChannel) -> Sent:
        return self

    def send(self, message: DigestMessage) -> None:
        if self.fails:
            raise ServiceUnavailableError("The webhook replied with status 503.")
        self.append(message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{tmp_path}/mlmon.db") as opened:
        yield opened


def send(
    store: MetricStore, sent: Any, *, after: int = 0, channels: tuple[SharedChannel, ...] = (LOG,)
) -> DigestReport:
    """Send the messages of the morning so many days after the first."""
    now = MORNING + timedelta(days=after)
    return send_digests(store, channels, sent, now, day=TODAY + timedelta(days=after), reports_url=URL)


def test_a_message_names_what_is_new_and_without_results_with_links(store):
    fleet_of_every_status(store)
    sent = Sent()

    report = send(store, sent)

    [message] = sent
    assert report == DigestReport(sent=1)
    assert message.subject == "[digest] ops 2013-03-09: 2 new, 4 without results"
    assert message.text == (
        "ops: 8 models, 2 new, 4 without results\n"
        "\n"
        "New\n"
        f"- warning: alerting: null_rate above its limit (since 2013-03-08, 1 day) "
        f"{URL}/alerting/2013-03-08/report.html\n"
        f"- warning: alerting: score_mean above its limit (since 2013-03-08, 1 day) "
        f"{URL}/alerting/2013-03-08/report.html\n"
        "\n"
        "Without results\n"
        "- silent: never: No day evaluated yet. (36 days late)\n"
        f"- silent: silent: No day evaluated since 2013-02-20. (16 days late) {URL}/silent/index.html\n"
        f"- broken: broken: line 3: `ownr` is unknown {URL}/broken/index.html\n"
        f"- failed: failed: The archive does not answer. {URL}/failed/index.html\n"
        "\n"
        f"all: {URL}/owner-ops.html\n"
    )


def test_the_next_message_says_what_is_still_open_and_what_is_over(store):
    register(store, "flights")
    run_day(store, "flights", alerts=("score_mean", "null_rate"))
    register(store, "bikes")
    run_day(store, "bikes", YESTERDAY - timedelta(days=5))
    sent = Sent()
    send(store, sent)
    done = [alert.fingerprint for alert in store.unresolved_alerts() if alert.metric == "null_rate"]
    store.act("flights", done, Action(kind=ActionKind.RESOLVE, day=YESTERDAY, who="ann", why="mended", at=MORNING))
    for model in ("flights", "bikes"):
        run_day(store, model, TODAY, alerts=("rows",) if model == "flights" else ())

    send(store, sent, after=1)

    payload = sent[1].payload
    assert [line["text"].partition(" (")[0] for line in payload["new"]] == ["rows above its limit"]
    assert [line["text"].partition(" (")[0] for line in payload["open"]] == ["score_mean above its limit"]
    assert payload["resolved"] == ["flights: null_rate above its limit", "bikes: silent"]
    assert sent[1].subject == "[digest] ops 2013-03-10: 1 new, 1 still open, 2 resolved"


def test_a_message_is_sent_once_a_day_also_by_a_second_run(store):
    fleet_of_every_status(store)
    sent = Sent()

    reports = [send(store, sent), send(store, sent), send(store, sent, after=1)]

    assert reports == [DigestReport(sent=1), DigestReport(repeated=1), DigestReport(sent=1)]
    assert [message.day for message in sent] == [TODAY, TODAY + timedelta(days=1)]


def test_a_message_that_did_not_arrive_is_sent_by_the_next_run_and_loses_nothing(store):
    fleet_of_every_status(store)
    sent = Sent()
    sent.fails = True

    with pytest.raises(ServiceUnavailableError, match="1 of 1 morning messages did not arrive: ops, log: The webhook"):
        send(store, sent)
    sent.fails = False
    send(store, sent, after=1)

    assert len(sent[0].payload["new"]) == 2


@pytest.mark.parametrize(("form", "messages"), [("never", 0), ("findings", 0), ("always", 1)])
def test_a_morning_without_findings_is_quiet_unless_the_channel_wants_to_know(store, form, messages):
    register(store, "flights")
    run_day(store, "flights")
    sent = Sent()

    send(store, sent, channels=(SharedChannel(log=True, digest=form),))

    assert len(sent) == messages
    assert all("nothing open" in message.subject for message in sent)


def test_each_owner_has_a_message_about_the_models_that_a_channel_serves(store):
    for name, owner in (("fraud_a", "ann"), ("fraud_b", "bob"), ("loans", "ann"), ("free", "")):
        register(store, name, owner=owner)
    sent = Sent()
    channels = (
        SharedChannel(webhook="fraud", models=("fraud_*",), digest=DigestForm.FINDINGS),
        SharedChannel(webhook="ann", owners=("ann",), digest=DigestForm.FINDINGS),
        SharedChannel(webhook="rest", owners=("",), digest=DigestForm.FINDINGS),
    )

    send(store, sent, channels=channels)

    assert [(message.owner, message.payload["models"]) for message in sent] == [
        ("ann", 1), ("bob", 1), ("ann", 2), ("", 1),
    ]  # fmt: skip
    assert sent[-1].subject.startswith("[digest] models without an owner 2013-03-09")


def test_muted_incidents_are_neither_told_nor_taken_for_resolved(store):
    register(store, "flights")
    run_day(store, "flights", alerts=("score_mean",))
    sent = Sent()
    send(store, sent)
    names = [alert.fingerprint for alert in store.unresolved_alerts()]
    mute = Action(kind=ActionKind.MUTE, day=YESTERDAY, until=date(2013, 4, 1), who="ann", why="known", at=MORNING)
    store.act("flights", names, mute)
    run_day(store, "flights", TODAY, alerts=("score_mean",))

    assert send(store, sent, after=1) == DigestReport(quiet=1)


def test_an_alertmanager_takes_no_morning_messages(tmp_path):
    (tmp_path / "channels.yaml").write_text("channels: [{alertmanager: am, digest: findings}]")

    with pytest.raises(ConfigError, match="digest: must be never for an Alertmanager"):
        load_channels(tmp_path / "channels.yaml")


@pytest.mark.service
def test_messages_arrive_in_the_log_at_a_webhook_and_by_mail(store, tmp_path, monkeypatch, caplog, capsys):
    register(store, "flights", owner="<b>ops</b> {{ 7 * 7 }}")
    run_day(store, "flights", alerts=("score_mean",))
    (tmp_path / "channels.yaml").write_text(
        json.dumps(
            {
                "channels": [
                    {"log": True, "digest": "findings"},
                    {"webhook": "ops", "digest": "findings"},
                    {
                        "notifier": SMTP,
                        "arguments": {
                            "to": "a@example.com", "from_email": "m@example.com", "subject": "{subject}",
                            "html_content": "<p>{text}</p><a href='{report}'>all</a>",
                        },
                        "digest": "always",
                    },
                ]
            }
        )
    )  # fmt: skip
    settings = Settings(
        store=f"sqlite:///{tmp_path}/mlmon.db", workspace=str(tmp_path), workspace_connection=None, hash_key=None,
        reports_url=URL, channels=str(tmp_path / "channels.yaml"),
    )  # fmt: skip
    caplog.set_level(logging.INFO, "airflow_mlmon.alerts")
    with web_server() as web, mail_server() as box:
        extra = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
        smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": box.port, "extra": extra}
        hook = {"conn_type": "http", "host": web.url, "extra": {"allow_private": True}}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(smtp))
        monkeypatch.setenv("AIRFLOW_CONN_OPS", json.dumps(hook))
        codes = [main(["fleet", "--digest", "--json"], lambda **_: settings) for _ in range(2)]

    told = [json.loads(line)["digests"] for line in capsys.readouterr().out.splitlines()]
    assert (codes, [one["sent"] for one in told], told[1]["repeated"]) == ([0, 0], [3, 0], 3)
    [post] = web.posts
    assert post["owner"] == "<b>ops</b> {{ 7 * 7 }}"
    assert web.headers[0][IDEMPOTENCY_KEY]
    [mail] = box.mails
    body = mail.get_body(["html"]).get_content()
    assert "{{ 7 * 7 }}" in mail["Subject"]
    assert "&lt;b&gt;ops&lt;/b&gt; {{ 7 * 7 }}" in body
    assert URL in body
    assert any("score_mean above its limit" in message for message in caplog.messages)


def test_the_sender_of_a_channel_without_its_connection_says_so():
    with pytest.raises(ConfigError, match="missing"):
        build_digest_sender(SharedChannel(webhook="missing", digest=DigestForm.FINDINGS), MORNING)
