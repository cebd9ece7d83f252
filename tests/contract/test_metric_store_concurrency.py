"""The promises of the metric store to those who write at once or crash, on every database that it supports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa

from airflow_mlmon.errors import PartitionConflictError
from tests.support.published import (
    CHANNELS,
    DAY,
    alert,
    claim_ids,
    metric,
    partition,
    partition_state,
    publish_breach,
    results,
    stored_rows,
)


def _fail_at(engine: sa.Engine, number: int) -> Callable[[], None]:
    """Make the statement with that number fail; returns how to stop it."""
    seen = iter(range(1, 10_000))

    def count(*_) -> None:
        if next(seen) == number:
            raise InterruptedError(number)

    sa.event.listen(engine, "before_cursor_execute", count)
    return lambda: sa.event.remove(engine, "before_cursor_execute", count)


class TestCrash:
    @pytest.mark.guards("fault-29")
    def test_at_any_statement_leaves_the_old_state_whole(self, store):
        publish_breach(store)
        before = stored_rows(store)
        newer = results(metrics=(metric(value=0.2),), alerts=(alert("rows"), alert("null_rate")))
        crashes = 0
        for number in range(1, 200):
            stop = _fail_at(store._database.engine, number)
            try:
                store.publish(partition_state(version="v2"), [newer], supersedes="v1", channels=CHANNELS)
            except InterruptedError:
                crashes += 1
            else:
                break
            finally:
                stop()
            assert stored_rows(store) == before

        assert crashes > 15
        assert store.state(partition()).version == "v2"
        assert {found.metric for found in store.alerts("flights", DAY, DAY)} == {"rows", "null_rate"}


class TestConcurrency:
    @pytest.mark.guards("fault-30")
    def test_of_two_publishers_one_wins_whole(self, store):
        barrier = threading.Barrier(2)

        def publish(version: str) -> str:
            item = results(metrics=(metric("rows", float(version[1:])),), alerts=(alert(version),))
            barrier.wait()
            try:
                store.publish(partition_state(version=version), [item], supersedes=None, channels=CHANNELS)
            except PartitionConflictError:
                return "conflict"
            return version

        with ThreadPoolExecutor(2) as pool:
            outcomes = set(pool.map(publish, ["v1", "v2"]))

        version = store.state(partition()).version
        assert outcomes == {"conflict", version}
        assert store.metrics("flights", DAY, DAY) == {(DAY, "rows", None): float(version[1:])}
        assert [found.metric for found in store.alerts("flights", DAY, DAY)] == [version]
        assert len(claim_ids(store)) == 2

    def test_publishers_of_many_days_all_get_through(self, store):
        def publish(day: int) -> None:
            of = partition(day)
            store.publish(
                partition_state(of), [results(of, alerts=(alert(of=of),))], supersedes=None, channels=CHANNELS
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(publish, range(1, 29)))

        assert len(store.states("flights", date(2013, 3, 1), date(2013, 3, 31))) == 28

    def test_of_two_that_pin_a_schema_both_get_the_same(self, store):
        barrier = threading.Barrier(2)

        def pin(name: str) -> str:
            barrier.wait()
            return store.save_schema("flights", name, f"s3://x/{name}", name).schema_id

        with ThreadPoolExecutor(2) as pool:
            pinned = set(pool.map(pin, ["aaa", "bbb"]))

        assert pinned == {store.current_schema("flights").schema_id}
