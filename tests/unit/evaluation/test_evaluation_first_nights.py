"""What nights that change little by little are judged by: the first nights, which do not move along."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from airflow_mlmon.evaluation.evaluate import NightEvidence, judge_night
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import Judgement

NIGHTS = 28
START = date(2026, 1, 1)
ROWS = 5_000


def accuracies(losing: float, nights: int, seed: int, between: float = 0.005) -> list[float]:
    """The accuracy of each night, which loses so much from one to the next, and varies."""
    random = np.random.default_rng(seed)
    chances = 0.9 - losing * np.arange(nights) + between * random.normal(size=nights)
    return [float(hits) / ROWS for hits in random.binomial(ROWS, chances)]


def judged(values: list[float], *, with_first: bool = True) -> Verdict:
    """The verdict on the last of some nights, judged by the 28 before and by the first 28."""
    points = [(START + timedelta(days=at), Point(value=value, rows=ROWS)) for at, value in enumerate(values)]
    *before, (day, now) = points
    key = ("accuracy", None, None)
    evidence = NightEvidence(
        day=day,
        metrics=[MetricValue(metric="accuracy", value=now.value, rows=ROWS)],
        past={key: before[-NIGHTS:]},
        first={key: before[:NIGHTS]} if with_first else {},
    )
    [verdict] = judge_night(evidence, Judgement(rate=0.025))
    return verdict


def test_accuracy_that_is_lost_little_by_little_alarms_and_the_verdict_says_since_when():
    values = accuracies(losing=0.0005, nights=100, seed=1)

    assert judged(values, with_first=False).state is VerdictState.OK
    verdict = judged(values)
    assert verdict.state is VerdictState.BREACH
    assert verdict.note == "lower than in its initial window from 2026-01-01"
    assert verdict.rule == "as in its first 28 nights"
    assert verdict.usual == pytest.approx(np.mean(values[:NIGHTS]), abs=0.002)


def test_sudden_loss_is_still_told_by_the_nights_before():
    # a model that has become better since
    values = accuracies(losing=-0.0005, nights=100, seed=2)
    verdict = judged([*values, values[-1] - 0.05])

    assert verdict.state is VerdictState.BREACH
    assert verdict.rule == "as usual in 28 nights"
    assert verdict.usual == pytest.approx(np.mean(values[-NIGHTS:]), abs=0.002)


@pytest.mark.parametrize("between", [0.0, 0.01])
def test_steady_accuracy_alarms_on_no_more_nights_than_the_rate(between):
    found = [judged(accuracies(0.0, 100, seed, between)).state for seed in range(400)]

    # 2.5 % of 400, and two standard deviations of that
    assert found.count(VerdictState.BREACH) <= 16


def test_values_that_are_not_finite_are_no_first_night():
    values = accuracies(losing=0.0, nights=100, seed=3)
    values[5] = float("nan")

    assert judged(values).state is VerdictState.OK
