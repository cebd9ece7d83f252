"""The promises of the metric store, on every database that it supports."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from airflow_mlmon.errors import DataError, NotFoundError, PartitionConflictError, ServiceRejectedError
from airflow_mlmon.records import Delivery, DriftDetail, Family, Results, Status
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.store import schema
from airflow_mlmon.store.completion import tables_on
from airflow_mlmon.store.rows import metric_rows
from tests.support.published import (
    CHANNELS,
    DAY,
    alert,
    arrival,
    baseline,
    check,
    claim_ids,
    metric,
    partition,
    partition_state,
    publish_breach,
    results,
    stored_rows,
    verdict,
)


def test_details_of_a_metric_come_in_one_answer_by_day_and_column(store):
    for day, score in ((8, 0.1), (9, 0.3)):
        scores = [
            metric("drift_score", score, column, drift=DriftDetail(method="psi", baseline="the reference"))
            for column in ("wind", "temp")
        ]
        store.publish(
            partition_state(partition(day)), [results(partition(day), metrics=(*scores, metric()))], supersedes=None
        )

    found = store.metric_details("flights", "drift_score", DAY, date(2013, 3, 9))

    assert [(day.day, value.column, value.value, value.drift.method) for day, value in found] == [
        (8, "temp", 0.1, "psi"),
        (8, "wind", 0.1, "psi"),
        (9, "temp", 0.3, "psi"),
        (9, "wind", 0.3, "psi"),
    ]
    assert store.metric_details("others", "drift_score", DAY, DAY) == []


def test_log_of_a_day_stays_until_another_run_replaces_it(store):
    store.publish(partition_state(), [results()], supersedes=None)
    store.keep_log(partition(), "https://airflow.example/dags/flights/runs/1")
    store.publish(partition_state(version="v2"), [results()], supersedes="v1")

    assert store.state(partition()).log == "https://airflow.example/dags/flights/runs/1"
    store.keep_log(partition(), "")
    assert store.state(partition()).log == ""


def test_another_schema_replaces_what_follows_from_the_profile_and_nothing_else(store):
    store.publish(
        partition_state(),
        [
            results(
                metrics=(metric(), metric("drift_score", 0.5, "wind"), metric("rows_quarantined", 10)),
                alerts=(alert(),),
            ),
            results(family=Family.LABELS, metrics=(metric("accuracy", 0.8),)),
        ],
        supersedes=None,
        channels=CHANNELS,
    )
    before = stored_rows(store)

    store.replace_profile(
        partition(),
        "v1",
        "def456",
        [metric("score_mean", 0.4)],
        replaces=("score_mean", "drift_score"),
        baselines=[baseline()],
    )

    assert {value.metric: value.value for value in store.metric_values(partition())} == {
        "score_mean": 0.4,
        "rows_quarantined": 10,
        "accuracy": 0.8,
    }
    assert store.state(partition()).schema == "def456"
    changed = {name for name, content in stored_rows(store).items() if content != before[name]}
    assert changed == {"mlmon_partitions", "mlmon_metrics", "mlmon_compared_with"}


def test_another_schema_is_refused_for_another_version(store):
    store.publish(partition_state(), [results()], supersedes=None)
    before = stored_rows(store)

    with pytest.raises(PartitionConflictError):
        store.replace_profile(partition(), "v0", "def456", [], replaces=("score_mean",), baselines=[baseline()])

    assert stored_rows(store) == before


class TestSchema:
    def test_migrations_make_the_tables_of_the_code(self, store, kind):
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only this test
        from alembic.migration import MigrationContext  # noqa: PLC0415

        with store._database.reading() as connection:
            options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
            ours = tables_on(connection) if kind == "mysql" else schema.metadata
            difference = compare_metadata(MigrationContext.configure(connection, opts=options), ours)

        assert difference == []

    def test_every_table_is_prefixed(self, store):
        with store._database.reading() as connection:
            names = sa.inspect(connection).get_table_names()

        assert [name for name in names if not name.startswith("mlmon_")] == []

    def test_no_result_is_without_its_day(self, store):
        orphan = metric_rows({"model": "flights", "day": DAY, "family": "predictions"}, [metric()])

        with pytest.raises(ServiceRejectedError), store._database.writing() as connection:
            connection.execute(sa.insert(schema.metrics), orphan)


class TestPublish:
    def test_keeps_the_baselines_that_a_partition_was_compared_with(self, store):
        compared = (baseline(), baseline(title="the reference", kind=BaselineKind.REFERENCE, days={}, pin=None))
        store.publish(partition_state(), [results(baselines=compared)], supersedes=None)
        store.publish(None, [results(family=Family.LABELS)], supersedes=None)

        assert store.compared_with(partition()) == list(compared)
        store.publish(partition_state(), [results(baselines=compared[1:])], supersedes=None)
        assert store.compared_with(partition()) == list(compared[1:])

    def test_replaces_the_versions_that_verdicts_rest_on_with_the_verdicts(self, store):
        for versions in ({DAY: "v1", date(2013, 3, 6): "a", date(2013, 3, 7): "b"}, {date(2013, 3, 7): "c"}):
            store.publish(partition_state(), [results()], supersedes=None, bases=versions)
        store.publish(None, [results(family=Family.LABELS)], supersedes=None)

        assert store.evaluation_bases("flights", DAY, DAY) == {DAY: {date(2013, 3, 7): "c"}}
        assert store.evaluation_bases("flights", date(2013, 3, 9), date(2013, 3, 9)) == {}

    def test_reads_the_versions_that_verdicts_rest_on_from_a_day_on_and_those_before_it_once(self, store):
        before, since = date(2013, 3, 6), date(2013, 3, 7)
        for own in (partition(8), partition(9)):
            bases = {own.day: "v1", before: "a", since: "b"}
            store.publish(partition_state(own), [results(own)], supersedes=None, bases=bases)

        assert store.evaluation_bases("flights", DAY, DAY, since) == {DAY: {since: "b", DAY: "v1"}}
        assert store.bases_before("flights", DAY, partition(9).day, since) == {(before, "a")}

    def test_returns_what_was_written(self, store):
        store.publish(partition_state(arrival=arrival()), [results()], supersedes=None)

        assert store.state(partition()) == partition_state(arrival=arrival())
        assert store.verdicts(partition()) == [verdict()]
        assert store.checks(partition()) == [check()]
        assert store.metric_values(partition()) == [
            metric("null_rate", None),
            metric("null_rate", 0.01, "wind_speed"),
            metric(),
        ]
        assert store.metrics("flights", DAY, DAY) == {
            (DAY, "score_mean", None): 0.39,
            (DAY, "null_rate", None): None,
            (DAY, "null_rate", "wind_speed"): 0.01,
        }
        assert store.models() == ["flights"]

    def test_changes_nothing_when_repeated(self, store):
        publish_breach(store)
        before = stored_rows(store)

        publish_breach(store)

        assert stored_rows(store) == before

    def test_replaces_a_family_as_a_whole_and_leaves_the_other(self, store):
        labels = results(family=Family.LABELS, metrics=(metric("accuracy", 0.8),), verdicts=(), checks=())
        store.publish(partition_state(), [results(), labels], supersedes=None)

        store.publish(None, [results(metrics=(metric("rows", 5.0),))], supersedes=None)

        assert store.metrics("flights", DAY, DAY) == {(DAY, "rows", None): 5.0, (DAY, "accuracy", None): 0.8}

    def test_moves_the_pointer_from_the_superseded_version(self, store):
        store.publish(partition_state(), [], supersedes=None)

        store.publish(partition_state(version="v2"), [], supersedes="v1")

        assert store.state(partition()).version == "v2"

    def test_refuses_when_another_run_was_faster(self, store):
        store.publish(partition_state(version="v2"), [results()], supersedes=None)
        before = stored_rows(store)

        with pytest.raises(PartitionConflictError, match="v2"):
            store.publish(partition_state(version="v3"), [results(metrics=())], supersedes="v1")

        assert stored_rows(store) == before

    def test_keeps_a_evaluated_day_from_the_history_fill(self, store):
        publish_breach(store)
        before = stored_rows(store)

        store.publish(partition_state(version="v9", evaluated=False), [results(metrics=())], supersedes="v1")

        assert stored_rows(store) == before

    def test_evaluates_a_day_that_the_history_fill_wrote(self, store):
        store.publish(partition_state(evaluated=False), [results()], supersedes=None)

        store.publish(partition_state(version="v2"), [results()], supersedes="v1")

        assert store.state(partition()) == partition_state(version="v2")

    def test_refuses_results_of_a_partition_without_a_day(self, store):
        with pytest.raises(NotFoundError, match="2013-03-07"):
            store.publish(partition_state(), [results(), results(partition(7))], supersedes=None)

        assert store.state(partition()) is None

    def test_refuses_results_of_rows_that_were_replaced(self, store):
        store.publish(partition_state(partition(7), version="v2"), [], supersedes=None)
        labels = Results(partition=partition(7), family=Family.LABELS, metrics=(metric("accuracy", 0.8),))

        with pytest.raises(PartitionConflictError, match="2013-03-07 was at version v1"):
            store.publish(partition_state(), [labels], supersedes=None, versions={partition(7): "v1"})

        assert store.metrics("flights", date(2013, 3, 7), DAY) == {}
        assert store.state(partition()) is None

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_refuses_a_value_that_is_none(self, store, value):
        with pytest.raises(DataError, match="score_mean"):
            store.publish(partition_state(), [results(metrics=(metric(value=value),))], supersedes=None)

        assert store.state(partition()) is None

    def test_takes_text_that_no_database_can_hold(self, store):
        store.publish(partition_state(message="part-\x00\udcff.parquet"), [], supersedes=None)

        assert store.state(partition()).message == "part-\ufffd?.parquet"


class TestFailure:
    def test_keeps_the_version_that_is_served(self, store):
        publish_breach(store)

        store.record_failure(partition(), "S3 refused the connection.", alert("status"), CHANNELS)

        failed = store.state(partition())
        assert (failed.status, failed.version, failed.message) == (Status.FAILED, "v1", "S3 refused the connection.")
        assert store.metrics("flights", DAY, DAY) != {}
        assert {found.metric for found in store.alerts("flights", DAY, DAY)} == {"score_mean", "status"}

    def test_is_told_of_once_for_a_day_that_never_was(self, store):
        for _ in range(2):
            store.record_failure(partition(), "no bucket", alert("status"), CHANNELS)

        assert len(claim_ids(store)) == 2
        assert store.state(partition()).version is None

    def test_is_resolved_by_the_next_run(self, store):
        store.record_failure(partition(), "no bucket", alert("status"), CHANNELS)

        store.publish(partition_state(), [results()], supersedes=None, channels=CHANNELS)

        assert store.alerts("flights", DAY, DAY) == []
        assert claim_ids(store) == []


class TestRanges:
    def test_days_are_in_the_order_of_the_days(self, store):
        for day in (9, 7, 8):
            store.publish(partition_state(partition(day)), [], supersedes=None)

        found = store.states("flights", date(2013, 3, 7), date(2013, 3, 8))

        assert [item.partition.day.day for item in found] == [7, 8]

    def test_history_holds_the_calendar_days_before_with_a_value(self, store):
        for day, value in ((3, 0.3), (5, 0.5), (6, None), (7, 0.7), (8, 0.8)):
            of = partition(day)
            store.publish(partition_state(of), [results(of, metrics=(metric(value=value),))], supersedes=None)

        history = store.history("flights", ["score_mean"], DAY, 4)

        assert history == {("score_mean", None): [(date(2013, 3, 5), 0.5), (date(2013, 3, 7), 0.7)]}

    def test_first_values_are_those_of_all_rows_from_a_day_on(self, store):
        for day, value in ((3, 0.3), (5, 0.5), (6, None), (7, 0.7), (8, 0.8)):
            of, others = partition(day), (metric("null_rate", 0.1, "wind"), metric("null_rate", 0.2))
            store.publish(partition_state(of), [results(of, metrics=(metric(value=value), *others))], supersedes=None)
        store.record_failure(partition(7), "lost")

        found = store.earliest("flights", {"score_mean": (date(2013, 3, 4), 2), "null_rate": (DAY, 9)}, DAY)

        assert [(day.day, value) for day, _, value, _ in found["score_mean"]] == [(5, 0.5), (8, 0.8)]
        assert [(day.day, key, value) for day, key, value, _ in found["null_rate"]] == [
            (8, ("null_rate", None, None), 0.2)
        ]

    def test_models_are_kept_apart(self, store):
        other = partition(model="trains")
        store.publish(partition_state(other), [results(other)], supersedes=None)

        assert store.metrics("flights", DAY, DAY) == {}
        assert store.states("flights", DAY, DAY) == []


class TestDeliveries:
    def test_a_later_delivery_of_a_day_replaces_the_first(self, store):
        for version in ("d1", "d2"):
            store.save_delivery(Delivery(partition=partition(), version=version, uri="s3://l/", rows=3, listing="l"))

        expected = [Delivery(partition=partition(), version="d2", uri="s3://l/", rows=3, listing="l")]
        assert store.deliveries("flights", DAY, DAY) == expected

    def test_performance_rests_on_the_deliveries_that_it_was_published_with(self, store):
        store.publish(partition_state(), [], supersedes=None)
        for day in (9, 10):
            store.save_delivery(Delivery(partition=partition(day), version=f"d{day}", uri="s3://l/", rows=3))
        store.publish(None, [], supersedes=None, deliveries={partition(): frozenset({"d9", "d10"})})

        assert store.label_bases("flights", DAY, DAY) == {DAY: {"d9", "d10"}}

    def test_labels_that_lack_a_delivery_are_refused(self, store):
        store.publish(partition_state(), [], supersedes=None)
        for day in (9, 10):
            store.save_delivery(Delivery(partition=partition(day), version=f"d{day}", uri="s3://l/", rows=3))
        labels = [Results(partition=partition(), family=Family.LABELS)]
        store.publish(None, labels, supersedes=None, deliveries={partition(): frozenset({"d9", "d10"})})

        with pytest.raises(PartitionConflictError):
            store.publish(None, labels, supersedes=None, deliveries={partition(): frozenset({"d9"})})

    def test_labels_of_a_replaced_delivery_are_refused(self, store):
        store.publish(partition_state(), [], supersedes=None)
        store.save_delivery(Delivery(partition=partition(9), version="new", uri="s3://l/", rows=3))

        with pytest.raises(PartitionConflictError):
            store.publish(None, [], supersedes=None, deliveries={partition(): frozenset({"old"})})


class TestSchemas:
    def test_the_first_writer_wins(self, store):
        store.save_schema("flights", "aaa", "s3://x/aaa", "of a")

        winner = store.save_schema("flights", "bbb", "s3://x/bbb", "of b")

        assert winner == ("aaa", "s3://x/aaa", "of a")
        assert store.current_schema("flights") == winner

    def test_a_new_schema_replaces_the_one_it_supersedes(self, store):
        store.save_schema("flights", "aaa", "s3://x/aaa", "of a")

        store.save_schema("flights", "bbb", "s3://x/bbb", "of b", supersedes="aaa")

        assert store.current_schema("flights").schema_id == "bbb"

    def test_no_schema_is_none(self, store):
        assert store.current_schema("flights") is None
