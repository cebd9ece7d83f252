"""Performance that is lost little by little, as the store keeps it: by version, and until somebody accepts it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.evidence import PartitionEvaluator
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import (
    Action,
    ActionKind,
    Family,
    MetricValue,
    Status,
    Verdict,
    VerdictState,
    fingerprint_of,
)
from tests.support.archive import Archive
from tests.support.published import alert, partition_state, results, verdict
from tests.support.runs import opened, write_file

ROWS = 5_000
DAYS = 120
START = date(2026, 1, 1)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    archive = Archive(str(tmp_path / "archive"), write_file)
    with opened(tmp_path, archive) as run:
        yield run


def losing(day_number: int) -> float:
    """A tenth of the accuracy, over all days."""
    random = np.random.default_rng(day_number)
    return float(random.binomial(ROWS, 0.9 - 0.1 * day_number / DAYS)) / ROWS


def publish(run: Run, number: int, value: float, *, is_breach: bool = False, **changes: object) -> None:
    day = Partition.of_day("loans", START + timedelta(days=number))
    verdicts = (verdict("accuracy"),) if is_breach else ()
    found = results(day, Family.LABELS, metrics=(measured(value),), verdicts=verdicts)
    run.store.publish(partition_state(day, **changes), [found], supersedes=None)


def serve(run: Run, number: int, version: str) -> None:
    day = Partition.of_day("loans", START + timedelta(days=number))
    rows = MetricValue(metric="rows", segment=f"version={version}", value=ROWS, rows=ROWS)
    run.store.publish(partition_state(day), [results(day, Family.PREDICTIONS, metrics=(rows,))], supersedes="v1")


def measured(value: float) -> MetricValue:
    return MetricValue(metric="accuracy", value=value, rows=ROWS)


def evaluated(run: Run, number: int, value: float) -> Verdict:
    partition = Partition.of_day("loans", START + timedelta(days=number))
    [found] = PartitionEvaluator(run=run).evaluate(partition, [measured(value)]).verdicts
    return found


def test_loss_over_months_is_found_and_rests_on_the_first_days(run):
    for number in range(DAYS):
        publish(run, number, losing(number))
    partition = Partition.of_day("loans", START + timedelta(days=DAYS))
    found = PartitionEvaluator(run=run).evaluate(partition, [measured(losing(DAYS))])

    assert [verdict.state for verdict in found.verdicts] == [VerdictState.BREACH]
    assert found.verdicts[0].note == "lower over 7 days than in its initial window from 2026-01-01"
    assert START in found.rests_on
    assert START + timedelta(days=DAYS - 1) in found.rests_on


def test_days_that_failed_are_no_history(run):
    for number in range(DAYS):
        # a feed that was broken at first
        is_broken = number < 20
        publish(run, number, 0.99 if is_broken else 0.9, status=Status.FAILED if is_broken else Status.OK)

    assert evaluated(run, DAYS, 0.9).state is VerdictState.OK
    assert START + timedelta(days=19) not in {
        day for day, *_ in run.store.past("loans", ["accuracy"], START + timedelta(days=DAYS), DAYS)
    }


def test_first_days_in_breach_are_no_measure(run):
    for number in range(DAYS):
        # a trial on the second to the ninth day, which somebody was told of
        is_trial = 1 <= number < 9
        publish(run, number, 0.7 if is_trial else losing(number), is_breach=is_trial)

    found = evaluated(run, DAYS, losing(DAYS))
    assert found.state is VerdictState.BREACH
    assert found.expected == pytest.approx(0.9, abs=0.015)


def test_few_labels_have_to_be_far_surer_than_all(run):
    for number in range(20):
        publish(run, number, 0.9)
    partition = Partition.of_day("loans", START + timedelta(days=20))

    def state(share: float) -> VerdictState:
        metrics = [MetricValue(metric="label_coverage", value=share, rows=ROWS), measured(0.875)]
        return PartitionEvaluator(run=run).evaluate(partition, metrics).verdicts[-1].state

    assert (state(1.0), state(0.2)) == (VerdictState.BREACH, VerdictState.OK)


@pytest.mark.parametrize(("is_accepted", "state"), [(False, VerdictState.BREACH), (True, VerdictState.OK)])
def test_what_somebody_has_accepted_begins_anew(run, is_accepted, state):
    for number in range(DAYS):
        publish(run, number, losing(number) if number < 60 else 0.85)
    day = Partition.of_day("loans", START + timedelta(days=DAYS))
    breach = alert("accuracy", day, family=Family.LABELS)
    found = results(day, Family.LABELS, metrics=(measured(0.85),), verdicts=(verdict("accuracy"),), alerts=(breach,))
    run.store.publish(partition_state(day), [found], supersedes=None)
    if is_accepted:
        at = datetime(2026, 5, 2, tzinfo=UTC)
        action = Action(kind=ActionKind.ACCEPT, day=day.day, who="ann", why="cheaper features", at=at)
        run.store.act("loans", [fingerprint_of("loans", "accuracy", None, None)], action)
    for number in range(DAYS + 1, DAYS + 60):
        publish(run, number, 0.85)

    assert evaluated(run, DAYS + 60, 0.85).state is state


def test_first_days_are_those_of_the_version_that_serves(run):
    for number in range(DAYS + 1):
        # the second version is better, and loses all of that again
        version, value = ("v1", 0.85) if number < DAYS // 2 else ("v2", losing(2 * number - DAYS))
        publish(run, number, value)
        serve(run, number, version)

    found = evaluated(run, DAYS, losing(DAYS))
    assert found.state is VerdictState.BREACH
    assert found.note == f"lower over 7 days than in its initial window from {START + timedelta(days=DAYS // 2)}"
