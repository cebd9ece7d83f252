"""Alerts over the days: what the store says of them and whom it tells, on every database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from airflow_mlmon.alerts.delivery import deliver
from airflow_mlmon.alerts.message import DayMessage
from airflow_mlmon.errors import NotFoundError, ServiceUnavailableError, StateError
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.records import Action, ActionKind, VerdictState, fingerprint_of
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import LEASE, LONGEST_WAIT, MAX_ATTEMPTS
from tests.support.published import NOW, alert, check, partition, partition_state, results, verdict

NAME = fingerprint_of("flights", "score_mean", None, None)


def publish(store: MetricStore, day: int, found: str, channels=("log",), *, version: str = "v1", **policy: int) -> None:
    """Publish a day on which the mean score is b(reach), c(ritical), q(uiet), or _ (not enough data)."""
    of = partition(day)
    severity = {"b": "warning", "c": "critical"}.get(found)
    states = {"q": VerdictState.OK, "_": VerdictState.INSUFFICIENT_DATA}
    evaluated = verdict(state=states.get(found, VerdictState.BREACH))
    alerts = (alert(of=of, severity=severity),) if severity else ()
    content = results(of, verdicts=(evaluated,), alerts=alerts)
    before = store.state(of)
    supersedes = before.version if before else None
    told_on = {"channels": channels, "policy": Policy(**policy)}
    store.publish(partition_state(of, version=version), [content], supersedes=supersedes, **told_on)


def told(store: MetricStore, now: datetime = NOW) -> list[tuple[int, str, str]]:
    """What is waiting: the day, the event and where the alert stands; it is sent now."""
    claims = store.claim_pending(100, now)
    store.mark_sent([claim.id for claim in claims], now)
    return [
        (claim.state.partition.day.day, claim.event.value, claim.alert.lifecycle.words if claim.alert.lifecycle else "")
        for claim in claims
    ]


def act(store: MetricStore, kind: ActionKind, day: int, until: int | None = None) -> TrackedAlert:
    last = date(2013, 3, until) if until else None
    action = Action(kind=kind, day=date(2013, 3, day), until=last, who="Ada", why="known", at=NOW)
    [found] = store.act("flights", [NAME], action, channels=["log"])
    return found


def test_an_alert_is_told_when_it_opens_and_when_it_resolves_and_not_in_between(store):
    heard = []
    for day, found in enumerate("bb_bqq", 1):
        publish(store, day, found)
        heard += told(store)

    assert heard == [
        (1, "opened", "open since 2013-03-01, 1 day"),
        (6, "resolved", "resolved on 2013-03-06 after 3 days"),
    ]


def test_an_alert_that_worsens_or_comes_back_is_told(store):
    heard = []
    for day, found in enumerate("bcqqb", 1):
        publish(store, day, found)
        heard += told(store)

    assert [(day, event) for day, event, _ in heard] == [
        (1, "opened"),
        (2, "worsened"),
        (4, "resolved"),
        (5, "reopened"),
    ]


def test_one_day_is_not_enough_where_the_policy_asks_for_two(store):
    publish(store, 1, "b", opens_after=2)
    pending = store.alerts("flights", date(2013, 3, 1), date(2013, 3, 1))
    before = told(store)
    publish(store, 2, "b", opens_after=2)

    assert pending[0].lifecycle.state == "pending"
    assert before == []
    assert told(store) == [(2, "opened", "open since 2013-03-01, 2 days")]


def test_a_metric_without_a_verdict_is_healthy_where_others_were_evaluated(store):
    publish(store, 1, "b")
    for day in (2, 3):
        of = partition(day)
        store.publish(
            partition_state(of), [results(of, verdicts=(verdict("rows", state=VerdictState.OK),))], supersedes=None
        )

    assert [found.state for found in store.tracked_alerts("flights")] == ["resolved"]


def test_a_check_that_passes_again_resolves_its_alert(store):
    name = "expect_column_values_to_not_be_null"
    for day, passed in enumerate((False, True, True), 1):
        of = partition(day)
        alerts = () if passed else (alert(f"check.{name}", of, column="distance"),)
        content = results(of, verdicts=(), checks=(check(passed=passed),), alerts=alerts)
        store.publish(partition_state(of), [content], supersedes=None)

    assert [(found.metric, found.state) for found in store.tracked_alerts("flights")] == [(f"check.{name}", "resolved")]


class TestBackfill:
    def test_a_healthy_run_changes_the_state_and_tells_nobody(self, store):
        for day, found in enumerate("bbqq", 1):
            publish(store, day, found, ())

        assert [found.state for found in store.tracked_alerts("flights")] == ["resolved"]
        assert told(store) == []

    def test_an_alert_that_opened_in_a_healthy_run_is_told_on_the_next_day_that_breaches(self, store):
        for day in (1, 2, 3):
            publish(store, day, "b", ())
        publish(store, 4, "b")

        assert told(store) == [(4, "opened", "open since 2013-03-01, 4 days")]

    def test_a_past_day_does_not_tell_of_the_days_after_it(self, store):
        for day, found in enumerate("bbqqqq", 1):
            publish(store, day, found, ())
        publish(store, 6, "q")

        assert told(store) == []

    def test_a_past_day_is_told_where_that_is_asked_for(self, store):
        for day, found in enumerate("qqqqq", 1):
            publish(store, day, found, ())
        publish(store, 2, "b", ("log",), version="v2")

        assert [(day, event) for day, event, _ in told(store)] == [(2, "opened"), (4, "resolved")]

    def test_what_is_taken_back_before_it_was_sent_is_withdrawn(self, store):
        publish(store, 1, "b")
        publish(store, 1, "q", (), version="v2")

        assert told(store) == []
        assert store.tracked_alerts("flights") == []

    def test_an_earlier_day_of_the_same_alert_is_not_told_again(self, store):
        publish(store, 5, "b")
        assert len(told(store)) == 1

        publish(store, 4, "b")

        assert told(store) == []
        assert [found.since.day for found in store.tracked_alerts("flights")] == [4]


class TestPeople:
    def test_nobody_is_told_of_an_acknowledged_alert_until_it_resolves(self, store):
        publish(store, 1, "b")
        told(store)
        assert act(store, ActionKind.ACKNOWLEDGE, 1).acknowledged_by == "Ada"

        heard = []
        for day, found in enumerate("cqq", 2):
            publish(store, day, found)
            heard += told(store)

        assert [(day, event) for day, event, _ in heard] == [(4, "resolved")]

    def test_what_is_acknowledged_before_it_was_sent_is_not_sent(self, store):
        publish(store, 1, "b")
        act(store, ActionKind.ACKNOWLEDGE, 1)

        assert told(store) == []

    def test_a_muted_alert_is_silent_to_its_end(self, store):
        publish(store, 1, "b")
        told(store)
        assert act(store, ActionKind.MUTE, 1, until=9).state == "muted"

        for day, found in enumerate("cqqb", 2):
            publish(store, day, found)

        assert told(store) == []

    def test_an_alert_that_opened_while_muted_is_told_when_the_mute_has_ended(self, store):
        publish(store, 1, "b", ())
        act(store, ActionKind.MUTE, 1, until=3)
        for day in (2, 3, 4):
            publish(store, day, "b")

        assert told(store) == [(4, "opened", "open since 2013-03-01, 4 days")]

    def test_an_alert_that_somebody_resolves_is_told_to_be_over_and_reopens(self, store):
        publish(store, 1, "b")
        told(store)
        assert act(store, ActionKind.RESOLVE, 1).resolved_by == "Ada"
        over = told(store)
        publish(store, 2, "b")

        assert over == [(1, "resolved", "resolved on 2013-03-01 after 1 day")]
        assert told(store) == [(2, "reopened", "reopened since 2013-03-02, 1 day")]
        assert store.accepted_until("flights", date(2013, 4, 1)) == {}

    def test_the_new_normal_is_known_by_its_last_day(self, store):
        publish(store, 1, "b")
        publish(store, 2, "b")
        act(store, ActionKind.ACCEPT, 2)

        assert store.accepted_until("flights", date(2013, 4, 1)) == {("score_mean", None, None): date(2013, 3, 2)}
        assert store.breached_days("flights", date(2013, 3, 2), date(2013, 3, 9)) == {
            ("score_mean", None, None): {date(2013, 3, 2)}
        }

    def test_what_cannot_be_done_is_refused_and_leaves_nothing(self, store):
        with pytest.raises(StateError, match="no run of 2013-03-01"):
            act(store, ActionKind.ACKNOWLEDGE, 1)
        publish(store, 1, "q")
        with pytest.raises(NotFoundError):
            act(store, ActionKind.ACKNOWLEDGE, 1)
        for day, found in enumerate("bqq", 2):
            publish(store, day, found, ())
        with pytest.raises(StateError, match="no longer open"):
            act(store, ActionKind.ACCEPT, 4)

        assert store.accepted_until("flights", date(2013, 4, 1)) == {}


class Recorder:
    """A channel that keeps what it is told, or answers 500."""

    def __init__(self, *, down: bool = False) -> None:
        self.messages: list[DayMessage] = []
        self.down = down

    def send(self, message: DayMessage) -> None:
        if self.down:
            raise ServiceUnavailableError("The webhook at ops answered 500: no success.")
        self.messages.append(message)


class TestFaults:
    def test_two_runs_of_a_day_at_once_tell_once(self, store):
        barrier = threading.Barrier(2)

        def run(_: int) -> None:
            barrier.wait()
            publish(store, 1, "b", ("log", "ops"))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, range(2)))

        assert [(day, event) for day, event, _ in told(store)] == [(1, "opened")] * 2
        assert [found.days for found in store.tracked_alerts("flights")] == [1]

    def test_a_sender_that_dies_after_sending_repeats_its_last_message_and_no_other(self, store):
        publish(store, 1, "b")
        publish(store, 2, "q")
        publish(store, 3, "q")
        recorder = Recorder()

        class Dying(Recorder):
            def send(self, message: DayMessage) -> None:
                recorder.send(message)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            deliver(store, {"log": Dying()}, NOW)
        deliver(store, {"log": recorder}, NOW)
        deliver(store, {"log": recorder}, NOW + LEASE)

        said = [(message.partition.day.day, message.payload["alerts"][0]["event"]) for message in recorder.messages]
        assert said == [(1, "opened"), (1, "opened"), (3, "resolved")]
        assert len({message.payload["alerts"][0]["fingerprint"] for message in recorder.messages}) == 1

    def test_what_may_have_arrived_is_not_withdrawn_but_told_to_be_over(self, store):
        publish(store, 1, "b")
        store.claim_pending(1, NOW)

        publish(store, 1, "q", version="v2")

        assert told(store) == []
        assert [event for _, event, _ in told(store, NOW + LEASE)] == ["opened", "resolved"]

    @pytest.mark.guards("fault-34")
    def test_a_channel_that_stays_down_ends_in_a_dead_letter_that_can_be_tried_again(self, store):
        publish(store, 1, "b")
        now = NOW
        for _ in range(MAX_ATTEMPTS):
            assert deliver(store, {"log": Recorder(down=True)}, now).failed == 1
            assert deliver(store, {"log": Recorder(down=True)}, now).messages == 0
            now += LONGEST_WAIT

        [letter] = store.dead_letters("flights")
        assert (letter.event, letter.attempts) == ("opened", MAX_ATTEMPTS)
        assert store.retry_dead_letters("flights") == 1
        recorder = Recorder()
        assert deliver(store, {"log": recorder}, now).sent == 1

    def test_an_end_waits_for_the_beginning_that_did_not_arrive(self, store):
        for day, found in enumerate("bqq", 1):
            publish(store, day, found)
        recorder = Recorder()

        assert deliver(store, {"log": Recorder(down=True)}, NOW).messages == 1
        assert deliver(store, {"log": recorder}, NOW).messages == 0
        assert deliver(store, {"log": recorder}, NOW + timedelta(minutes=1)).sent == 2
        events = [message.payload["alerts"][0]["event"] for message in recorder.messages]
        assert events == ["opened", "resolved"]

    def test_a_dead_letter_that_is_tried_again_is_not_the_last_word(self, store):
        publish(store, 1, "b")
        now = NOW
        for _ in range(MAX_ATTEMPTS):
            deliver(store, {"log": Recorder(down=True)}, now)
            now += LONGEST_WAIT
        for day in (2, 3):
            publish(store, day, "q")
        recorder = Recorder()
        deliver(store, {"log": recorder}, now)

        assert store.retry_dead_letters("flights") == 1
        deliver(store, {"log": recorder}, now)

        events = [message.payload["alerts"][0]["event"] for message in recorder.messages]
        assert events == ["resolved", "opened", "resolved"]

    @pytest.mark.guards("fault-37")
    def test_a_wait_that_a_clock_ahead_has_set_ends_in_time(self, store):
        publish(store, 1, "b")
        ahead = NOW + timedelta(days=3)
        deliver(store, {"log": Recorder(down=True)}, ahead)
        recorder = Recorder()

        assert deliver(store, {"log": recorder}, NOW).sent == 1
        assert deliver(store, {"log": recorder}, ahead).sent == 0

    def test_a_clock_behind_sends_nothing_that_was_sent(self, store):
        publish(store, 1, "b")
        recorder = Recorder()
        deliver(store, {"log": recorder}, NOW)

        assert deliver(store, {"log": recorder}, NOW - timedelta(hours=9)).messages == 0
        assert len(recorder.messages) == 1
