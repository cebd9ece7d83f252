"""Runs of steps in the metric store: the last one of each counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from airflow_mlmon.partition import Partition
from airflow_mlmon.store.step_store import StepRun
from tests.support.many_models import TODAY

DAY = Partition.of_day("fraud", TODAY)
AT = datetime(2026, 3, 2, 1, 30, 0, 250_000, tzinfo=UTC)
FIRST = StepRun(step="prepare_partition", started_at=AT, seconds=2.5, rows=3_000_000_000, trace="a" * 32, span="b" * 16)
SECOND = StepRun(step="validate_partition", started_at=AT + timedelta(seconds=3), seconds=0.5, error="DataError")


def test_step_is_read_as_it_was_recorded_in_the_order_of_the_night(store):
    store.record_step(DAY, SECOND)
    store.record_step(DAY, FIRST)

    assert store.step_runs(DAY) == [FIRST, SECOND]


def test_last_run_of_a_step_replaces_the_one_before(store):
    again = replace(FIRST, started_at=AT + timedelta(hours=1), seconds=1.0, trace="", span="")
    store.record_step(DAY, FIRST)
    store.record_step(DAY, again)

    assert store.step_runs(DAY) == [again]


def test_steps_of_many_models_are_those_of_the_day_of_each(store):
    other = Partition.of_day("churn", TODAY - timedelta(days=1))
    for partition, run in ((DAY, FIRST), (other, SECOND), (DAY.shift(-1), SECOND)):
        store.record_step(partition, run)

    found = store.last_step_runs({"fraud": TODAY, "churn": other.day, "unknown": TODAY})

    assert found == {"fraud": [FIRST], "churn": [SECOND]}
