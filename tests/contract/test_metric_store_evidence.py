"""Plans, actions, messages and evidence bundles in the metric store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from airflow_mlmon.fleet import BundleEntry, MonitoringPlan
from airflow_mlmon.records import Action, ActionKind, Family
from airflow_mlmon.store.profile_schemas import StoredSchema
from tests.support.published import CHANNELS, alert, partition, partition_state, results

NOW = datetime(2013, 3, 9, 6, tzinfo=UTC)
DAY = partition().day
PLAN, LATER = MonitoringPlan.of('{"spec": 1}'), MonitoringPlan.of('{"spec": 2}')
BUNDLE = BundleEntry(first=date(2013, 3, 1), last=DAY, head="ab" * 32, is_held=True, who="ann", why="audit", at=NOW)


def test_results_name_the_plan_that_they_were_made_under(store):
    labels = results(family=Family.LABELS)
    store.publish(partition_state(), [results(), labels], supersedes=None, plan=PLAN)
    store.publish(None, [labels], supersedes=None, plan=LATER)

    assert store.plans_of_days("flights", DAY, DAY) == {
        (DAY, Family.PREDICTIONS): PLAN.id,
        (DAY, Family.LABELS): LATER.id,
    }
    assert store.plans("flights") == {PLAN.id: PLAN, LATER.id: LATER}


def test_results_that_are_replaced_without_a_plan_name_none(store):
    store.publish(partition_state(), [results()], supersedes=None, plan=PLAN)
    store.publish(None, [results()], supersedes=None)

    assert store.plans_of_days("flights", DAY, DAY) == {}


def test_actions_and_messages_come_back_in_their_order(store):
    store.publish(partition_state(), [results(alerts=(alert(),))], supersedes=None, channels=CHANNELS)
    [claim, *_] = store.claim_pending(5, NOW)
    store.mark_sent([claim.id], NOW)
    name = alert().fingerprint
    taken = [
        Action(kind=kind, day=DAY, who=who, why="known", at=NOW)
        for kind, who in ((ActionKind.ACKNOWLEDGE, "ann"), (ActionKind.RESOLVE, "bob"))
    ]
    for action in taken:
        store.act("flights", [name], action)

    assert [(one.number, one.fingerprint, one.action) for one in store.alert_actions("flights")] == [
        (number, name, action) for number, action in enumerate(taken, 1)
    ]
    messages = store.messages("flights", DAY, DAY)
    assert [one.channel for one in messages if one.sent_at == NOW] == [claim.channel]
    assert {one.state for one in messages if one.channel == claim.channel} >= {"sent"}
    assert store.messages("flights", date(2013, 1, 1), date(2013, 1, 2)) == []


def test_every_pinned_profile_schema_is_listed(store):
    first, second = (StoredSchema(name, f"s3://x/{name}.json", "f") for name in ("one", "two"))
    store.save_schema("flights", *first)
    store.save_schema("flights", *second, supersedes="one")

    assert store.schemas("flights") == [first, second]


def test_every_bundle_stays_in_the_list(store):
    other = replace(BUNDLE, is_held=False, who="bob")
    for entry in (BUNDLE, other, BUNDLE):
        store.add_bundle("flights", entry)

    assert store.bundles("flights") == [BUNDLE, other, BUNDLE]
    assert store.bundles("bikes") == []


def test_the_plan_of_a_wide_table_is_kept_whole(store):
    wide = MonitoringPlan.of("x" * 300_000)
    store.publish(partition_state(), [results()], supersedes=None, plan=wide)

    assert store.plans("flights") == {wide.id: wide}
