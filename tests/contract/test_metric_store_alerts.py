"""The promises of the metric store on alerts and their outbox, on every database that it supports."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from airflow_mlmon.records import Family, Results
from airflow_mlmon.store.outbox import LEASE, MAX_ATTEMPTS, wait_after
from tests.support.published import (
    CHANNELS,
    DAY,
    NOW,
    alert,
    claim_ids,
    partition,
    partition_state,
    publish_breach,
    results,
)


class TestAlertState:
    @pytest.mark.guards("fault-35")
    def test_a_breach_that_stays_is_not_sent_again(self, store):
        publish_breach(store)
        store.mark_sent(claim_ids(store), NOW)

        store.publish(
            partition_state(version="v2"), [results(alerts=(alert(text="0.40"),))], supersedes="v1", channels=CHANNELS
        )

        assert [found.text for found in store.alerts("flights", DAY, DAY)] == ["0.40"]
        assert claim_ids(store) == []

    def test_a_breach_that_is_gone_is_resolved_and_kept(self, store):
        publish_breach(store)

        store.publish(partition_state(version="v2"), [results()], supersedes="v1", channels=CHANNELS)

        assert store.alerts("flights", DAY, DAY) == []
        assert store.alerts("flights", DAY, DAY, include_resolved=True) == [alert()]
        assert claim_ids(store) == []

    def test_a_breach_that_comes_back_is_not_sent_again_while_nobody_was_told_that_it_had_gone(self, store):
        publish_breach(store)
        store.mark_sent(claim_ids(store), NOW)
        store.publish(None, [results()], supersedes=None)

        publish_breach(store)

        assert store.alerts("flights", DAY, DAY) == [alert()]
        assert claim_ids(store) == []

    def test_a_breach_that_is_taken_back_and_comes_back_is_told_both_times(self, store):
        publish_breach(store)
        store.mark_sent(claim_ids(store), NOW)

        store.publish(None, [results()], supersedes=None, channels=CHANNELS)
        gone = store.claim_pending(10, NOW)
        store.mark_sent([claim.id for claim in gone], NOW)
        publish_breach(store)
        back = store.claim_pending(10, NOW)

        assert [claim.event for claim in gone] == ["resolved"] * 2
        assert [claim.event for claim in back] == ["reopened"] * 2

    def test_results_of_labels_resolve_no_alert_of_predictions(self, store):
        publish_breach(store)

        store.publish(None, [Results(partition=partition(), family=Family.LABELS)], supersedes=None)

        assert store.alerts("flights", DAY, DAY) == [alert()]


class TestOutbox:
    def test_alerts_are_read_and_told_in_the_order_in_which_they_were_evaluated(self, store):
        names = ("score_mean", "brier", "rows", "accuracy")
        of_labels = results(family=Family.LABELS, alerts=(alert("log_loss", family=Family.LABELS),))
        of_rows = results(alerts=tuple(alert(name) for name in names))

        store.publish(partition_state(), [of_labels, of_rows], supersedes=None, channels=("log",))

        assert [found.metric for found in store.alerts("flights", DAY, DAY)] == [*names, "log_loss"]
        assert [claim.alert.metric for claim in store.claim_pending(1, NOW)] == [*names, "log_loss"]

    def test_a_claim_carries_the_alert_and_its_day(self, store):
        publish_breach(store)

        claims = store.claim_pending(10, NOW)

        assert [claim.channel for claim in claims] == ["log", "webhook:ops"]
        assert [(claim.alert, claim.state, claim.attempts) for claim in claims] == [(alert(), partition_state(), 1)] * 2

    def test_claimed_rows_are_not_claimed_again_before_the_lease_ends(self, store):
        publish_breach(store)
        first = claim_ids(store)

        assert claim_ids(store, NOW + LEASE - timedelta(seconds=1)) == []
        assert claim_ids(store, NOW + LEASE) == first

    def test_a_limit_never_splits_a_day(self, store):
        store.publish(partition_state(), [results(alerts=(alert(), alert("rows")))], supersedes=None, channels=CHANNELS)

        assert {claim.channel for claim in store.claim_pending(1, NOW)} == {"log"}
        assert len(store.claim_pending(1, NOW)) == 2

    def test_a_model_is_claimed_alone(self, store):
        publish_breach(store)

        assert store.claim_pending(10, NOW, model="trains") == []

    def test_a_failed_row_waits_longer_each_time(self, store):
        publish_breach(store)
        store.mark_failed(claim_ids(store), "500", NOW)

        assert claim_ids(store, NOW + wait_after(1) - timedelta(seconds=1)) == []
        assert len(claim_ids(store, NOW + wait_after(1))) == 2

    def test_a_row_that_keeps_failing_becomes_a_dead_letter(self, store):
        store.publish(partition_state(), [results(alerts=(alert(),))], supersedes=None, channels=["log"])
        now = NOW
        for _ in range(MAX_ATTEMPTS):
            store.mark_failed(claim_ids(store, now), "answered 500", now)
            now += timedelta(days=1)

        assert claim_ids(store, now) == []
        [letter] = store.dead_letters("flights")
        assert (letter.channel, letter.attempts, letter.error, letter.alert) == ("log", 8, "answered 500", alert())

    def test_a_row_that_kills_its_sender_becomes_a_dead_letter(self, store):
        store.publish(partition_state(), [results(alerts=(alert(),))], supersedes=None, channels=["log"])
        for attempt in range(MAX_ATTEMPTS + 1):
            claim_ids(store, NOW + attempt * LEASE)

        assert [letter.error for letter in store.dead_letters()] == ["the sender stopped before the reply came"]

    def test_a_late_failure_does_not_undo_a_success(self, store):
        publish_breach(store)
        ids = claim_ids(store)
        store.mark_sent(ids, NOW)

        store.mark_failed(ids, "timed out", NOW)

        assert claim_ids(store, NOW + timedelta(days=1)) == []
        assert store.dead_letters() == []

    def test_two_senders_never_claim_the_same_row(self, store):
        for day in range(1, 21):
            of = partition(day)
            found = results(of, alerts=(alert(f"m{day}", of),), verdicts=(), checks=())
            store.publish(partition_state(of), [found], supersedes=None, channels=["log"])

        with ThreadPoolExecutor(4) as pool:
            claimed = list(pool.map(lambda _: claim_ids(store, limit=5), range(8)))

        ids = [number for batch in claimed for number in batch]
        assert len(ids) == len(set(ids)) == 20
