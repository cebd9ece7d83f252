"""A change that somebody accepts on its first day: as a whole, so that nothing of it alarms on the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.alerting import AlertName, act_on_alerts
from airflow_mlmon.pipeline.deciding.evidence import PartitionEvaluator
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind, AlertState, MetricValue, Verdict, VerdictState
from tests.support.archive import Archive
from tests.support.published import alert, partition_state, results, verdict
from tests.support.runs import opened, write_file

ROWS, DAYS = 1_000, 28
START = date(2026, 1, 1)
CAUSE = "null rate of amount above its expected range"
BECAUSE = {"who": "ann", "why": "optional by now", "at": datetime(2026, 2, 1, tzinfo=UTC)}


def measured(share: float, seed: int) -> MetricValue:
    drawn = float(np.random.default_rng(seed).binomial(ROWS, share)) / ROWS
    return MetricValue(metric="null_rate", column="amount", value=drawn, rows=ROWS)


def partition(number: int) -> Partition:
    return Partition.of_day("loans", START + timedelta(days=number))


def publish(run: Run, number: int, share: float, *broken: tuple[str, str | None]) -> None:
    day = partition(number)
    found = results(
        day,
        metrics=(measured(share, number),),
        verdicts=tuple(verdict(name, column=column) for name, column in broken),
        alerts=tuple(alert(name, day, column=column, cause=CAUSE) for name, column in broken),
    )
    run.store.publish(partition_state(day), [found], supersedes=None, policy=run.policy)


def evaluate(run: Run, number: int, share: float) -> Verdict:
    [found] = PartitionEvaluator(run=run).evaluate(partition(number), [measured(share, number)]).verdicts
    return found


def accept(run: Run, number: int) -> list[tuple[str, AlertState]]:
    action = Action(kind=ActionKind.ACCEPT, day=partition(number).day, **BECAUSE)
    name = AlertName(metric="null_rate", column="amount")
    return [(found.metric, found.state) for found in act_on_alerts(run, [name], action)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    archive = Archive(str(tmp_path / "archive"), write_file)
    with opened(tmp_path, archive, ("    - {metric: null_rate, max: 0.3}\n", "")) as run:
        for number in range(DAYS):
            publish(run, number, 0.01)
        yield run


def test_an_accepted_level_is_expected_from_the_next_day_on(run):
    publish(run, DAYS, 0.2, ("null_rate", "amount"))
    before = evaluate(run, DAYS + 1, 0.2)
    accept(run, DAYS)
    states = []
    for number in range(DAYS + 1, DAYS + 9):
        found = evaluate(run, number, 0.2)
        publish(run, number, 0.2)
        states.append((found.state, found.note))

    assert before.state is VerdictState.BREACH
    assert states[:2] == [
        (VerdictState.INSUFFICIENT_DATA, "1 day since 2026-01-29, when an accepted change began, fewer than 3"),
        (VerdictState.INSUFFICIENT_DATA, "2 days since 2026-01-29, when an accepted change began, fewer than 3"),
    ]
    assert {state for state, _ in states[2:]} == {VerdictState.OK}
    # and the level of before is another one by now
    assert evaluate(run, DAYS + 9, 0.01).state is VerdictState.BREACH


def test_a_change_is_accepted_with_every_evidence_of_it(run):
    evidence = [
        ("null_rate", "amount"),
        ("drift_score", "amount"),
        ("check.expect_column_values_to_not_be_null", "amount"),
        ("status", None),
    ]
    publish(run, DAYS, 0.2, *evidence)

    assert accept(run, DAYS) == [(metric, AlertState.RESOLVED) for metric in ("null_rate", *sorted_others(evidence))]
    accepted = run.store.accepted_until("loans", partition(DAYS + 1).day)
    assert set(accepted) == {(metric, column, None) for metric, column in evidence}


def sorted_others(evidence: list[tuple[str, str | None]]) -> list[str]:
    return sorted(metric for metric, _ in evidence if metric != "null_rate")


def test_what_has_broken_too_few_days_to_open_is_accepted_too(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    with opened(tmp_path, archive, ("alerts:\n", "alerts:\n  for: 2\n")) as run:
        publish(run, 0, 0.2, ("null_rate", "amount"))
        publish(run, 1, 0.2, ("null_rate", "amount"), ("drift_score", "amount"))
        assert accept(run, 1) == [("null_rate", AlertState.RESOLVED)]
        publish(run, 2, 0.2, ("drift_score", "amount"))

        assert [found.metric for found in run.store.tracked_alerts("loans")] == ["null_rate"]
        assert set(run.store.accepted_until("loans", partition(2).day)) == {
            ("null_rate", "amount", None),
            ("drift_score", "amount", None),
        }
