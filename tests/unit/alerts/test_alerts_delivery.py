from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from airflow_mlmon.alerts.channels import LogSender
from airflow_mlmon.alerts.delivery import DeliveryReport, deliver
from airflow_mlmon.alerts.message import DayMessage, day_message
from airflow_mlmon.errors import ServiceUnavailableError
from airflow_mlmon.records import AlertEvent, AlertLifecycle, AlertState
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import LEASE, wait_after
from tests.support.published import NOW, alert, partition, partition_state, results


class Recorder:
    """A channel that keeps what it is told, or is down."""

    def __init__(self) -> None:
        self.messages: list[DayMessage] = []
        self.down = False

    def send(self, message: DayMessage) -> None:
        if self.down:
            raise ServiceUnavailableError("The recorder is down.")
        self.messages.append(message)


@pytest.fixture
def store(tmp_path) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


def publish(store: MetricStore, day: int, *names: str, channels=("a", "b")) -> None:
    of = partition(day)
    alerts = tuple(alert(name, of) for name in names)
    store.publish(partition_state(of), [results(of, alerts=alerts)], supersedes=None, channels=channels)


def test_a_day_is_one_message_on_each_channel(store):
    publish(store, 8, "rows", "score_mean")
    one, two = Recorder(), Recorder()

    report = deliver(store, {"a": one, "b": two}, NOW)

    assert report == DeliveryReport(messages=2, sent=4)
    assert [len(message.payload["alerts"]) for message in one.messages + two.messages] == [2, 2]


def test_a_day_without_a_breach_says_nothing(store):
    publish(store, 8)
    recorder = Recorder()

    assert deliver(store, {"a": recorder, "b": recorder}, NOW) == DeliveryReport()
    assert recorder.messages == []


def test_what_was_sent_is_not_sent_again(store):
    publish(store, 8, "rows")
    recorder = Recorder()
    deliver(store, {"a": recorder, "b": recorder}, NOW)

    assert deliver(store, {"a": recorder, "b": recorder}, NOW + timedelta(days=1)) == DeliveryReport()


def test_a_channel_that_is_down_is_tried_again_and_stops_no_other(store):
    publish(store, 8, "rows")
    up, down = Recorder(), Recorder()
    down.down = True

    report = deliver(store, {"a": down, "b": up}, NOW)
    down.down = False
    second = deliver(store, {"a": down, "b": up}, NOW + wait_after(1))

    assert (report.sent, report.failed) == (1, 1)
    assert report.errors == ("flights 2013-03-08, a: The recorder is down.",)
    assert (second.sent, len(up.messages), len(down.messages)) == (1, 1, 1)


def test_a_channel_whose_code_fails_stops_no_other_and_its_words_stay_unsaid(store):
    class Broken:
        def send(self, _: DayMessage) -> None:
            raise RuntimeError("token 1234")

    publish(store, 8, "score_mean")
    up = Recorder()

    report = deliver(store, {"a": Broken(), "b": up}, NOW)

    assert (report.sent, report.failed, len(up.messages)) == (1, 1, 1)
    assert report.errors == ("flights 2013-03-08, a: The channel 'a' failed with RuntimeError.",)


def test_a_sender_that_dies_loses_nothing_and_repeats_its_last_message(store):
    publish(store, 8, "rows", channels=("a",))
    recorder = Recorder()

    class Dying(Recorder):
        def send(self, message: DayMessage) -> None:
            recorder.send(message)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(store, {"a": Dying()}, NOW)
    deliver(store, {"a": recorder}, NOW + LEASE)

    first, second = recorder.messages
    assert first == second


def test_a_channel_that_left_the_spec_is_a_failure_that_shows(store):
    publish(store, 8, "rows", channels=("webhook:gone",))

    report = deliver(store, {"log": Recorder()}, NOW)

    assert report.failed == 1
    assert "webhook:gone" in report.errors[0]


def test_alerts_of_another_model_are_left_to_its_own_senders(store):
    publish(store, 8, "rows")

    assert deliver(store, {"a": Recorder()}, NOW, model="trains") == DeliveryReport()


def test_days_are_told_in_their_order_up_to_the_limit(store):
    for day in (9, 7, 8, *range(10, 29)):
        publish(store, day, f"check.{day}", channels=("a",))
    recorder = Recorder()

    deliver(store, {"a": recorder}, NOW)

    assert [message.partition.key for message in recorder.messages] == [f"2013-03-{day:02}" for day in range(7, 27)]


class TestMessage:
    def test_tells_the_worst_first(self):
        message = day_message(
            partition_state(),
            [alert("rows"), alert("score_mean", severity="critical", title="mean score above its limit")],
        )

        assert message.severity == "critical"
        assert message.subject == "[critical] flights 2013-03-08: mean score above its limit and 1 more"
        assert message.text.splitlines() == [
            "mean score above its limit",
            "flights 2013-03-08, status OK",
            "- critical: score_mean 0.39, expected 0.15 to 0.27 from 28 days",
            "- warning: rows 0.39, expected 0.15 to 0.27 from 28 days",
        ]

    def test_has_a_payload_of_plain_json_with_fingerprints(self):
        message = day_message(partition_state(), [alert()])

        payload = json.loads(json.dumps(message.payload, allow_nan=False))

        assert payload["alerts"][0]["fingerprint"] == alert().fingerprint
        assert (payload["model"], payload["partition"]) == ("flights", "2013-03-08")

    def test_has_a_subject_of_one_line(self):
        assert "\n" not in day_message(partition_state(), [alert(title="a\nb")]).subject

    def test_puts_alerts_under_their_likely_cause_as_they_were_evaluated(self):
        rain = "drift of rain: values higher than expected"
        cause = f"{rain} (by itself it would move the mean score by +0.03)"
        message = day_message(
            partition_state(),
            [
                alert("null_rate", column="wind", title="null rate of wind above its expected range"),
                alert("drift_score", column="rain", title=rain, cause=cause),
                alert("score_mean", severity="critical", title="mean score above its expected range", cause=cause),
                alert(
                    "brier", title="Brier score above its expected range", cause="late rate above its expected range"
                ),
            ],
        )

        assert message.subject == f"[critical] flights 2013-03-08: {rain} and 3 more"
        assert message.text.splitlines() == [
            f"Likely cause: {cause}",
            "flights 2013-03-08, status OK",
            "- warning: drift_score 0.39, expected 0.15 to 0.27 from 28 days",
            "- critical: score_mean 0.39, expected 0.15 to 0.27 from 28 days",
            "",
            "- warning: null_rate 0.39, expected 0.15 to 0.27 from 28 days",
            "",
            "Likely cause: late rate above its expected range",
            "- warning: brier 0.39, expected 0.15 to 0.27 from 28 days",
        ]
        assert [entry["metric"] for entry in message.payload["alerts"]] == [
            "drift_score",
            "score_mean",
            "null_rate",
            "brier",
        ]

    def test_of_an_end_alone_is_calm_and_says_how_long_it_lasted(self):
        ended = AlertLifecycle(
            state=AlertState.RESOLVED,
            event=AlertEvent.RESOLVED,
            since=date(2013, 3, 5),
            days=2,
            resolved_on=date(2013, 3, 8),
        )

        message = day_message(partition_state(), [alert(severity="critical", title="mean score high", lifecycle=ended)])

        assert message.subject == "[resolved] flights 2013-03-08: mean score high"
        assert message.text.splitlines()[2].endswith("(resolved on 2013-03-08 after 2 days)")
        told = message.payload["alerts"][0]
        assert (told["event"], told["state"], told["resolved_on"]) == ("resolved", "resolved", "2013-03-08")

    def test_tells_of_what_is_open_before_what_has_ended(self):
        ended = AlertLifecycle(state=AlertState.RESOLVED, event=AlertEvent.RESOLVED, since=date(2013, 3, 5), days=2)

        message = day_message(partition_state(), [alert("a", severity="critical", lifecycle=ended), alert("rows")])

        assert message.subject == "[warning] flights 2013-03-08: rows above its limit and 1 more"

    def test_says_since_when_and_for_how_many_days(self):
        worse = AlertLifecycle(state=AlertState.OPEN, event=AlertEvent.WORSENED, since=date(2013, 3, 6), days=3)

        message = day_message(partition_state(), [alert(severity="critical", lifecycle=worse)])

        assert "(worse: open since 2013-03-06, 3 days)" in message.text

    def test_needs_an_alert(self):
        with pytest.raises(ValueError, match="at least one"):
            day_message(partition_state(), [])


def test_the_log_gets_a_line_for_each_alert(caplog):
    message = day_message(
        partition_state(), [alert("rows", text="rows 1"), alert("null_rate", severity="critical", text="n 2")]
    )

    with caplog.at_level(logging.WARNING):
        LogSender(logging.getLogger("alerts")).send(message)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "flights 2013-03-08: critical: n 2"),
        ("WARNING", "flights 2013-03-08: warning: rows 1"),
    ]
