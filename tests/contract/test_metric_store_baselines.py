"""Pins of the baseline in the metric store: added one after the other, and never changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from airflow_mlmon.errors import StateError
from airflow_mlmon.partition import DAY as ONE_DAY
from airflow_mlmon.spec.baseline import Baseline
from tests.support.hostile import HOSTILE
from tests.support.published import DAY, partition, partition_state, pin

DATES = Baseline.model_validate({"dates": {"from": "2013-01-01", "to": "2013-02-28"}})


def test_pins_come_back_as_they_were_accepted_and_in_that_order(store):
    pins = [
        pin(1, first=date(2013, 5, 1), baseline=DATES),
        pin(2, version="v2", baseline=Baseline(previous=True)),
        pin(3, baseline=Baseline(reference=True)),
    ]
    for each in pins:
        store.save_baseline("flights", each)

    assert store.baselines("flights") == pins
    assert store.baselines("others") == []


def test_each_model_counts_its_own(store):
    store.save_baseline("flights", pin(1))
    store.save_baseline("loans", pin(1))

    assert [found.number for found in store.baselines("loans")] == [1]


@pytest.mark.parametrize("number", [1, 3])
def test_a_pin_that_is_not_the_next_is_refused(store, number):
    store.save_baseline("flights", pin(1))

    with pytest.raises(StateError, match="accepted meanwhile"):
        store.save_baseline("flights", pin(number, why="another"))

    assert store.baselines("flights") == [pin(1)]


def test_of_two_that_accept_at_once_one_is_told(store):
    barrier = threading.Barrier(2)

    def accept(who: str) -> str:
        barrier.wait()
        try:
            store.save_baseline("flights", pin(1, who=who))
        except StateError:
            return "refused"
        return who

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(accept, ["Ada", "Ben"]))

    [found] = store.baselines("flights")
    assert outcomes == {"refused", found.who}


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_day_that_was_evaluated_or_one_before_it_is_refused(store, days):
    store.publish(partition_state(), [], supersedes=None)

    with pytest.raises(StateError, match="would change the verdicts of 2013-03-08"):
        store.save_baseline("flights", pin(first=DAY - days * ONE_DAY))

    assert store.baselines("flights") == []


def test_history_that_nobody_evaluated_refuses_nothing(store):
    store.publish(partition_state(), [], supersedes=None)
    store.publish(partition_state(partition(20), evaluated=False), [], supersedes=None)

    store.save_baseline("flights", pin(first=date(2013, 3, 9)))

    assert store.last_evaluated_day("flights") == DAY
    assert store.last_evaluated_day("others") is None
    assert len(store.baselines("flights")) == 1


@pytest.mark.parametrize("text", [HOSTILE["script"], HOSTILE["quotes"], "two\nlines", "'; DROP TABLE mlmon_baselines"])
def test_text_of_people_is_only_data(store, text):
    store.save_baseline("flights", pin(version=text, who=text, why=text))

    assert store.baselines("flights") == [pin(version=text, who=text, why=text)]
