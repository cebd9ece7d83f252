"""What days that change little by little are evaluated by: the first days, which do not move along."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy

DAYS = 28
START = date(2026, 1, 1)
ROWS = 5_000


def accuracies(losing: float, days: int, seed: int, between: float = 0.005) -> list[float]:
    """The accuracy of each day, which loses so much from one to the next, and varies."""
    random = np.random.default_rng(seed)
    chances = 0.9 - losing * np.arange(days) + between * random.normal(size=days)
    return [float(hits) / ROWS for hits in random.binomial(ROWS, chances)]


def evaluated(values: list[float], *, with_first: bool = True) -> Verdict:
    """The verdict on the last of some days, evaluated by the 28 before and by the first 28."""
    points = [(START + timedelta(days=at), Point(value=value, rows=ROWS)) for at, value in enumerate(values)]
    *before, (day, now) = points
    key = ("accuracy", None, None)
    evidence = PartitionEvidence(
        day=day,
        metrics=[MetricValue(metric="accuracy", value=now.value, rows=ROWS)],
        past={key: before[-DAYS:]},
        first={key: before[:DAYS]} if with_first else {},
        recent={key: before[-DAYS + 1 :]},
    )
    [verdict] = evaluate_day(evidence, EvaluationPolicy(rate=0.025))
    return verdict


def test_accuracy_that_is_lost_little_by_little_alarms_and_the_verdict_says_since_when():
    values = accuracies(losing=0.0005, days=100, seed=1)

    assert evaluated(values, with_first=False).state is VerdictState.OK
    verdict = evaluated(values)
    assert verdict.state is VerdictState.BREACH
    assert verdict.note == "lower over 7 days than in its initial window from 2026-01-01"
    assert verdict.rule == "as in its first 28 days"
    assert verdict.expected == pytest.approx(np.mean(values[:DAYS]), abs=0.002)


def test_sudden_loss_is_still_told_by_the_days_before():
    # a model that has become better since
    values = accuracies(losing=-0.0005, days=100, seed=2)
    verdict = evaluated([*values, values[-1] - 0.05])

    assert verdict.state is VerdictState.BREACH
    assert verdict.rule == "as expected in 28 days"
    assert verdict.expected == pytest.approx(np.mean(values[-DAYS:]), abs=0.002)


@pytest.mark.parametrize("between", [0.0, 0.01])
def test_steady_accuracy_alarms_on_no_more_days_than_the_rate(between):
    found = [evaluated(accuracies(0.0, 100, seed, between)).state for seed in range(400)]

    # 2.5 % of 400, and two standard deviations of that
    assert found.count(VerdictState.BREACH) <= 16


def test_values_that_are_not_finite_are_no_first_day():
    values = accuracies(losing=0.0, days=100, seed=3)
    values[5] = float("nan")

    assert evaluated(values).state is VerdictState.OK


def test_slow_loss_is_one_lasting_alert_and_no_series_of_short_ones():
    """Single days lie beyond and within the limit in turn, while the loss lasts."""
    values = accuracies(losing=0.0, days=60, seed=3, between=0.02)
    slow = 0.9 - 0.035 * np.minimum(np.arange(90) / 45, 1)
    random = np.random.default_rng(4)
    values += [float(hits) / ROWS for hits in random.binomial(ROWS, slow + 0.02 * random.normal(size=90))]
    states = [evaluated(values[: day + 1]).state for day in range(60, len(values))]
    changes = sum(one is not other for one, other in pairwise(states))

    assert states[-1] is VerdictState.BREACH
    assert states.count(VerdictState.BREACH) > 30
    assert changes <= 3


def test_metric_of_too_few_rows_is_evaluated_as_the_mean_of_days():
    """Brier scores of 12 labels a day: three days have enough of them."""
    random = np.random.default_rng(6)
    values = [float(value) for value in 0.2 + 0.01 * random.normal(size=30)]
    key = ("brier", None, None)

    def verdict_on(last: list[float]) -> Verdict:
        points = [
            (START + timedelta(days=at), Point(value=value, rows=12)) for at, value in enumerate([*values, *last])
        ]
        *before, (day, now) = points
        evidence = PartitionEvidence(
            day=day,
            metrics=[MetricValue(metric="brier", value=now.value, rows=12)],
            past={key: before},
            recent={key: before[-DAYS + 1 :]},
        )
        [verdict] = evaluate_day(evidence, EvaluationPolicy())
        return verdict

    worse = verdict_on([0.3, 0.36, 0.3])
    assert (worse.state, worse.value, worse.history) == (VerdictState.BREACH, pytest.approx(0.32), 30)
    assert worse.note == "mean of 3 days, each of too few rows"
    assert verdict_on([0.2, 0.2, 0.2]).state is VerdictState.OK
