"""A forgotten day in the metric store, on every database: as if it had never been run, and kept in the audit trail."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_mlmon.fleet import AuditEntry, AuditKind
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.records import Delivery, Family, VerdictState
from airflow_mlmon.store.forgetting import ForgottenDay
from tests.support.published import (
    CHANNELS,
    DAY,
    NOW,
    alert,
    arrival,
    baseline,
    claim_ids,
    partition,
    partition_state,
    results,
    stored_rows,
    verdict,
)

EIGHTH, NINTH = partition(8), partition(9)
HEALTHY = (verdict(state=VerdictState.OK),)
POLICY = Policy(clears_after=1)


def publish(store, of, *, breaches=True, version="v1"):
    found = results(of, alerts=(alert(of=of),)) if breaches else results(of, verdicts=HEALTHY)
    found = [found, results(of, family=Family.LABELS, checks=(), verdicts=())]
    state = partition_state(of, arrival=arrival(), version=version)
    bases = {of.day: version, of.day - timedelta(days=1): "v1"}
    deliveries = {of: frozenset(one.version for one in store.deliveries("flights", DAY, DAY))}
    store.publish(state, found, supersedes=None, channels=CHANNELS, bases=bases, deliveries=deliveries, policy=POLICY)


def forget(store, of, why="run by mistake"):
    def write_entry(found):
        words = f"{found.metrics} metrics"
        return AuditEntry(kind=AuditKind.FORGET, day=of.day, who="ann", why=why, detail=words, at=NOW)

    return store.forget_day(of, write_entry, POLICY)


def without_audit(store):
    return {name: rows for name, rows in stored_rows(store).items() if name != "mlmon_audit"}


@pytest.mark.parametrize("breaches", [pytest.param(True, id="breaching"), pytest.param(False, id="resolving")])
def test_store_is_as_before_the_day_was_run(store, breaches):
    publish(store, EIGHTH)
    before = without_audit(store)
    publish(store, NINTH, breaches=breaches)

    found = forget(store, NINTH)

    assert without_audit(store) == before
    assert [(entry.day, entry.who, entry.detail) for entry in store.audit("flights")] == [
        (date(2013, 3, 9), "ann", "6 metrics")
    ]
    counts = (found.metrics, found.verdicts, found.checks, found.alerts, found.sent, found.withdrawn)
    assert counts == (6, 1, 1, int(breaches), 0, 0 if breaches else len(CHANNELS))


def test_day_that_is_run_again_is_an_ordinary_day(store):
    publish(store, EIGHTH)
    publish(store, NINTH)
    first = without_audit(store)

    forget(store, NINTH)
    publish(store, NINTH)

    assert without_audit(store) == first


def test_alert_of_later_days_begins_after_the_forgotten_day(store):
    publish(store, EIGHTH)
    publish(store, NINTH)
    store.mark_sent(claim_ids(store), NOW)

    found = forget(store, EIGHTH)

    assert (found.sent, found.withdrawn) == (2, 0)
    assert [(one.since, one.days) for one in store.tracked_alerts("flights")] == [(NINTH.day, 1)]
    assert claim_ids(store) == []
    # what rested on it stays, and is stale
    assert store.evaluation_bases("flights", DAY, NINTH.day) == {NINTH.day: {DAY: "v1", NINTH.day: "v1"}}


def test_messages_that_wait_are_withdrawn(store):
    publish(store, EIGHTH)

    assert forget(store, EIGHTH).withdrawn == len(CHANNELS)
    assert claim_ids(store) == []
    assert store.tracked_alerts("flights") == []


def test_end_of_an_alert_is_told_again_when_the_day_of_its_end_was_forgotten(store):
    publish(store, EIGHTH)
    store.mark_sent(claim_ids(store), NOW)
    publish(store, NINTH, breaches=False)
    ended = store.claim_pending(10, NOW)
    store.mark_sent([claim.id for claim in ended], NOW)

    assert forget(store, NINTH).sent == len(ended) == len(CHANNELS)
    assert [one.resolved_on for one in store.tracked_alerts("flights")] == [None]

    publish(store, NINTH, breaches=False)
    assert [claim.event for claim in store.claim_pending(10, NOW)] == ["resolved"] * len(CHANNELS)


def test_labels_of_the_day_stay_while_another_day_rests_on_them(store):
    store.save_delivery(Delivery(partition=EIGHTH, version="d1", uri="s3://b/d1", rows=30, listing="l"))
    publish(store, partition(7))
    publish(store, EIGHTH)

    found = forget(store, EIGHTH)

    assert (found.has_delivery, found.labelled) == (True, 1)
    assert [one.version for one in store.deliveries("flights", DAY, DAY)] == ["d1"]
    assert store.label_bases("flights", date(2013, 3, 1), DAY) == {date(2013, 3, 7): {"d1"}}


def test_labels_of_the_day_go_with_it_if_no_other_day_has_any(store):
    store.save_delivery(Delivery(partition=EIGHTH, version="d1", uri="s3://b/d1", rows=30, listing="l"))
    publish(store, EIGHTH)

    found = forget(store, EIGHTH)

    assert (found.has_delivery, found.labelled) == (True, 0)
    assert store.deliveries("flights", DAY, DAY) == []


def test_baselines_and_the_other_models_stay(store):
    other = partition(8, "trains")
    store.publish(
        partition_state(other), [results(other, alerts=(alert(of=other),))], supersedes=None, channels=("log",)
    )
    before = without_audit(store)
    store.publish(partition_state(), [results(baselines=(baseline(),), alerts=(alert(),))], supersedes=None)

    forget(store, EIGHTH)

    assert without_audit(store) == before


def test_nothing_is_written_of_a_day_that_was_not_run(store):
    assert forget(store, EIGHTH) == ForgottenDay() == store.find_day(EIGHTH)
    assert store.audit("flights") == []


def test_what_was_forgotten_is_counted_in_words():
    found = ForgottenDay(metrics=1_068, verdicts=45, checks=1, alerts=1)

    assert found.results == "1,068 metrics, 45 verdicts, 1 check, 1 alert"
