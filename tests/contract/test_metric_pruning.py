"""The promises of the metric store on metrics of old days, on every database that it supports."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.records import Family
from tests.support.published import DAY, alert, metric, partition, partition_state, results, stored_rows

NEXT = date(2013, 3, 9)


def publish(store, day: int) -> None:
    store.publish(
        partition_state(partition(day)),
        [
            results(partition(day), metrics=(metric("rows", 5), metric(), metric("null_rate", 0.1, "wind"))),
            results(partition(day), family=Family.LABELS, metrics=(metric("accuracy", 0.8),)),
        ],
        supersedes=None,
    )


def test_metrics_are_counted_and_deleted_by_day_but_for_some(store):
    for day in (8, 9, 10):
        publish(store, day)
    assert store.count_metrics("flights", NEXT) == {DAY: 4, NEXT: 4}
    assert store.count_metrics("flights", NEXT, leave_out=["rows"]) == {DAY: 3, NEXT: 3}
    assert store.count_metrics("others", NEXT) == {}

    store.delete_metrics("others", [DAY, NEXT])
    store.delete_metrics("flights", [DAY, NEXT], keep=["rows"])

    assert store.count_metrics("flights", date(2013, 3, 10)) == {DAY: 1, NEXT: 1, date(2013, 3, 10): 4}
    assert [value.metric for value in store.metric_values(partition(8))] == ["rows"]


def test_bases_of_verdicts_are_counted_and_deleted_by_day(store):
    for number in (8, 9):
        bases = {DAY: "v1", date(2013, 3, 7): "v0"}
        store.publish(partition_state(partition(number)), [results(partition(number))], supersedes=None, bases=bases)
    assert store.count_bases("flights", NEXT) == {DAY: 2, NEXT: 2}

    store.delete_bases("others", [DAY])
    store.delete_bases("flights", [DAY])

    assert store.count_bases("flights", NEXT) == {NEXT: 2}
    assert list(store.evaluation_bases("flights", DAY, NEXT)) == [NEXT]


def test_deleted_metrics_leave_everything_else(store):
    store.publish(partition_state(), [results(metrics=(metric(),), alerts=(alert(),))], supersedes=None)
    before = stored_rows(store)

    store.delete_metrics("flights", [DAY])

    assert stored_rows(store) == before | {"mlmon_metrics": []}
