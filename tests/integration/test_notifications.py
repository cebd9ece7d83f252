"""Alerts reach people: by mail through Airflow's notifier, and by webhook, on real servers."""

from __future__ import annotations

import json
import re
import socket
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest

from airflow_mlmon.alerts.delivery import deliver
from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import DayMessage, day_message
from airflow_mlmon.alerts.webhook import IDEMPOTENCY_KEY, SIGNATURE, WebhookSender
from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.notifications.airflow_notifier import NotifierSender
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.docs import FOLDER
from tests.support.inbox import MailBox, WebInbox, mail_server, web_server
from tests.support.published import NOW, alert, partition_state, results

pytestmark = pytest.mark.service

SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
SNS = "airflow.providers.amazon.aws.notifications.sns.SnsNotifier"
MAIL = {
    "to": "owner@example.com",
    "from_email": "mlmon@example.com",
    "subject": "{subject}",
    "html_content": "<p>{text}</p>",
}


@pytest.fixture
def message() -> DayMessage:
    return day_message(partition_state(), [alert(title="mean score above its limit")])


@pytest.fixture
def mailbox(monkeypatch) -> Iterator[MailBox]:
    with mail_server() as box:
        connection = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": box.port,
            "extra": {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5},
        }
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield box


@pytest.fixture
def inbox() -> Iterator[WebInbox]:
    with web_server() as server:
        yield server


class TestMail:
    def test_arrives_with_subject_and_text(self, mailbox, message):
        NotifierSender(SMTP, MAIL).send(message)

        [mail] = mailbox.mails
        assert mail["Subject"] == "[warning] flights 2013-03-08: mean score above its limit"
        assert mail["To"] == "owner@example.com"
        assert "score_mean 0.39, expected 0.15 to 0.27 from 28 days" in mail.get_body(["html"]).get_content()

    @pytest.mark.guards("attack-jinja")
    def test_never_renders_or_trusts_a_name_from_the_data(self, mailbox):
        hostile = "{{ 7 * 7 }} {subject} <script>alert(1)</script>"

        NotifierSender(SMTP, MAIL).send(day_message(partition_state(), [alert(title=hostile, text=hostile)]))

        [mail] = mailbox.mails
        body = mail.get_body(["html"]).get_content()
        assert "{{ 7 * 7 }} {subject} &lt;script&gt;" in body
        assert "{{ 7 * 7 }} {subject} <script>" in mail["Subject"]

    @pytest.mark.parametrize(
        ("refusal", "error"),
        [("451 try later", ServiceUnavailableError), ("554 no", ServiceRejectedError)],
    )
    def test_that_is_refused_is_an_error(self, mailbox, message, refusal, error):
        mailbox.refuse = refusal

        with pytest.raises(error, match="SmtpNotifier failed: the mail server answered"):
            NotifierSender(SMTP, MAIL).send(message)

    def test_without_a_server_is_unavailable(self, message, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "smtp://127.0.0.1:1?disable_ssl=true&disable_tls=true")

        with pytest.raises(ServiceUnavailableError, match="SmtpNotifier"):
            NotifierSender(SMTP, MAIL).send(message)

    def test_waits_in_the_outbox_while_the_server_is_down(self, mailbox, tmp_path):
        mailbox.refuse = "451 try later"
        senders = {"mail": NotifierSender(SMTP, MAIL)}
        with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
            store.publish(partition_state(), [results(alerts=(alert(),))], supersedes=None, channels=["mail"])
            first = deliver(store, senders, NOW)
            mailbox.refuse = ""
            second = deliver(store, senders, NOW.replace(hour=2))

        assert (first.failed, second.sent, len(mailbox.mails)) == (1, 1, 1)


class TestTopic:
    def test_of_sns_gets_the_message_through_amazons_notifier(self, moto, message, monkeypatch):
        keys = {"aws_access_key_id": moto.access_key, "aws_secret_access_key": moto.secret_key}
        place = {"endpoint_url": moto.endpoint, "region_name": "us-east-1"}
        sns, sqs = (boto3.client(name, **place, **keys) for name in ("sns", "sqs"))
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        queue = sqs.create_queue(QueueName="oncall")["QueueUrl"]
        address = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=address)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", moto.connection())

        arguments = {"target_arn": topic, "subject": "{subject}", "message": "{text}", "region_name": "us-east-1"}
        NotifierSender(SNS, arguments).send(message)

        [received] = sqs.receive_message(QueueUrl=queue)["Messages"]
        told = json.loads(received["Body"])
        assert (told["Subject"], told["Message"]) == (message.subject, message.text)


class TestNotifier:
    @pytest.mark.parametrize(
        ("class_path", "words"),
        [
            ("airflow.nowhere.Notifier", "cannot be imported"),
            ("Notifier", "cannot be imported"),
            ("pathlib.Path", "is not an Airflow notifier"),
            ("unlicensed.Notifier", "Importing the module of notifier 'unlicensed.Notifier' failed: RuntimeError"),
        ],
    )
    def test_that_is_none_is_a_config_error(self, class_path, words, tmp_path, monkeypatch):
        (tmp_path / "unlicensed.py").write_text("raise RuntimeError('key 1234')")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ConfigError, match=words):
            NotifierSender(class_path, {"text": "{text}"})

    def test_without_the_message_in_an_argument_is_a_config_error(self):
        with pytest.raises(ConfigError, match="contains the message"):
            NotifierSender(SMTP, {"to": "owner@example.com"})

    def test_with_wrong_arguments_is_a_config_error(self, message):
        with pytest.raises(ConfigError, match="does not accept"):
            NotifierSender(SMTP, {"recipient": "{text}"}).send(message)


class TestWebhook:
    def test_gets_the_payload_and_the_headers(self, inbox, message):
        WebhookSender(Endpoint(inbox.url, {"Authorization": "Bearer t"}, allow_private=True), NOW).send(message)

        assert inbox.posts == [message.payload]
        assert inbox.headers[0]["Authorization"] == "Bearer t"

    def test_is_signed_so_that_the_receiver_of_the_docs_accepts_it_and_no_other(self, inbox, message):
        WebhookSender(Endpoint(inbox.url, allow_private=True), NOW, "shared").send(message)

        [snippet] = re.findall(
            r"```python\n(import hashlib.*?)```", (FOLDER / "alerts.md").read_text(), flags=re.DOTALL
        )
        receiver: dict[str, Any] = {}
        exec(textwrap.dedent(snippet), receiver)  # noqa: S102 - the words of the docs
        [body], header, now = inbox.bodies, inbox.headers[0][SIGNATURE], NOW.timestamp()
        assert receiver["is_genuine"](header, body, "shared", now + 60)
        assert not receiver["is_genuine"](header, body, "other", now)
        assert not receiver["is_genuine"](header, body + b" ", "shared", now)
        assert not receiver["is_genuine"](header.replace("t=1", "t=2"), body, "shared", now)
        assert not receiver["is_genuine"](header, body, "shared", now + 3600)

    def test_without_a_secret_is_not_signed(self, inbox, message):
        WebhookSender(Endpoint(inbox.url, allow_private=True), NOW).send(message)

        assert SIGNATURE not in inbox.headers[0]

    def test_that_comes_twice_has_one_idempotency_key_and_another_message_has_not(self, inbox, message):
        sender = WebhookSender(Endpoint(inbox.url, allow_private=True), NOW)
        later = WebhookSender(Endpoint(inbox.url, allow_private=True), NOW + timedelta(hours=1))
        sender.send(message)
        later.send(message)
        sender.send(day_message(partition_state(), [alert(), alert("rows")]))

        first, second, third = (headers[IDEMPOTENCY_KEY] for headers in inbox.headers)
        assert first == second != third

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, ServiceRejectedError),
            (404, ServiceRejectedError),
            (429, ServiceUnavailableError),
            (500, ServiceUnavailableError),
            (503, ServiceUnavailableError),
        ],
    )
    def test_that_does_not_answer_2xx_has_not_got_it(self, inbox, message, status, error):
        inbox.status = status

        with pytest.raises(error, match=f"replied with status {status}"):
            WebhookSender(Endpoint(inbox.url + "/T0/secret", allow_private=True), NOW).send(message)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, inbox, message, status):
        inbox.status = status
        inbox.location = f"{inbox.url}/inward"

        with pytest.raises(ServiceRejectedError, match="redirect"):
            WebhookSender(Endpoint(inbox.url, allow_private=True), NOW).send(message)

        assert len(inbox.posts) == 1

    def test_that_is_slow_is_given_up(self, inbox, message, monkeypatch):
        monkeypatch.setattr("airflow_mlmon.alerts.endpoint.READ_TIMEOUT_S", 0.1)
        inbox.delay = threading.Event()

        with pytest.raises(ServiceUnavailableError, match="Timeout"):
            WebhookSender(Endpoint(inbox.url, allow_private=True), NOW).send(message)

        inbox.delay.set()

    def test_whose_reply_trickles_in_is_given_up(self, message, monkeypatch):
        """Each byte comes in time, and the reply never ends."""
        monkeypatch.setattr("airflow_mlmon.alerts.endpoint.REPLY_TIMEOUT_S", 0.5)
        given_up = threading.Event()

        def trickle(listener: socket.socket) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 204 No Content\r\nX: ")
                while not given_up.wait(0.05):
                    connection.sendall(b"x")

        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
            pool.submit(trickle, listener)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(ServiceUnavailableError, match=r"did not reply within 0\.5 seconds"):
                WebhookSender(Endpoint(url, allow_private=True), NOW).send(message)
            given_up.set()

    @pytest.mark.guards("attack-secret")
    def test_that_is_away_is_unavailable_and_its_path_unsaid(self, message):
        with pytest.raises(ServiceUnavailableError) as caught:
            WebhookSender(Endpoint("http://127.0.0.1:1/T0/secret", allow_private=True), NOW).send(message)

        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.guards("attack-ssrf")
    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "10.0.0.1"]
    )
    def test_at_a_private_address_is_refused(self, message, host):
        with pytest.raises(ServiceRejectedError, match="no public address"):
            WebhookSender(Endpoint(f"https://{host}:9/T0/secret"), NOW).send(message)

    def test_whose_name_turns_private_while_it_connects_is_refused(self, inbox, message, monkeypatch):
        port = int(inbox.url.rpartition(":")[2])
        answers = iter(["93.184.215.14", "127.0.0.1"])
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))],
        )

        with pytest.raises(ServiceRejectedError, match="no public address"):
            WebhookSender(Endpoint(f"https://rebinding.example:{port}/"), NOW).send(message)

        assert inbox.posts == []

    def test_without_encryption_is_for_private_addresses_only(self):
        with pytest.raises(ConfigError, match="https"):
            Endpoint("http://example.com/T0/secret")
