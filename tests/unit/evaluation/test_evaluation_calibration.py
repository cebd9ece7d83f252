"""Healthy days are healthy, and faults are found, on days that are drawn as those of the benchmark are."""

from __future__ import annotations

import pytest
from scipy import stats

from airflow_mlmon.evaluation.evaluate import evaluate_day
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.choices import Correction
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from tests.benchmarks.alerts import faults
from tests.support.drawn import LEVELS, LOGNORMAL, NORMAL, World

DAYS, ROWS, PAST = 150, 300, 20
RATE = 0.05
# a right rate has more than so many once in a thousand times
MOST = int(stats.binom.ppf(0.999, DAYS, RATE))


def breaches(verdicts: list[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]


def evaluated(world: World, profile, baseline, correction: Correction) -> list[Verdict]:
    # every effect counts, so that nothing but the correction keeps a day healthy
    return evaluate_day(world.evidence(profile, baseline), EvaluationPolicy(rate=RATE, correction=correction, effect=0))


def alarms(days: list[list[Verdict]]) -> int:
    return sum(bool(breaches(verdicts)) for verdicts in days)


def days_in_a_row(daily: float) -> dict[Correction, list[list[Verdict]]]:
    """The verdicts on healthy days, each with the days before as its past."""
    world = World(5, ROWS, daily=daily, each=4)
    baseline = world.day(rows=10 * ROWS)
    for _ in range(PAST):
        world.remember(world.day(), PAST)
    found: dict[Correction, list[list[Verdict]]] = {correction: [] for correction in Correction}
    for _ in range(DAYS):
        profile = world.day()
        for correction, days in found.items():
            days.append(evaluated(world, profile, baseline, correction))
        world.remember(profile, PAST)
    return found


@pytest.mark.parametrize("daily", [0.0, 0.15], ids=["independent", "varying"])
def test_healthy_days_alarm_no_more_often_than_was_asked(daily):
    found = days_in_a_row(daily)

    assert {correction: alarms(days) <= MOST for correction, days in found.items()} == dict.fromkeys(Correction, True)
    # without a correction they would, though the tests of a column are corrected among themselves
    uncorrected = [any((one.p_value or 1) <= RATE for one in day) for day in found[Correction.FAMILY_WISE]]
    assert sum(uncorrected) > 1.5 * MOST


def test_healthy_days_without_a_past_alarm_no_more_often_than_was_asked():
    world = World(6, ROWS, each=4)
    found = [evaluated(world, world.day(), world.day(rows=ROWS), Correction.FAMILY_WISE) for _ in range(DAYS)]

    assert alarms(found) <= MOST


@pytest.fixture(scope="module")
def watched():
    world = World(11, 5_000)
    baseline = world.day(rows=50_000)
    for _ in range(PAST):
        world.remember(world.day(), PAST)
    return world, baseline


@pytest.mark.parametrize(
    ("fault", "rows", "subject"),
    [
        pytest.param(faults.shifted(0.2), None, ("drift_score", NORMAL[3]), id="shift"),
        pytest.param(faults.new_category, None, ("new_category_rate", LEVELS[4]), id="new-category"),
        pytest.param(faults.nulls, None, ("null_rate", LOGNORMAL[2]), id="nulls"),
        pytest.param(faults.other_unit, None, ("drift_score", NORMAL[5]), id="unit"),
        pytest.param(faults.swapped, None, ("drift_score", NORMAL[1]), id="swapped"),
        pytest.param(faults.stuck, None, ("drift_score", NORMAL[7]), id="stuck"),
        pytest.param(None, 2_500, ("rows", None), id="half-the-rows"),
    ],
)
def test_fault_is_found_the_same_day(watched, fault, rows, subject):
    world, baseline = watched
    verdicts = evaluate_day(world.evidence(world.day(fault, rows), baseline), EvaluationPolicy())
    found = {(verdict.metric, verdict.column) for verdict in breaches(verdicts)}

    assert subject in found
    # what has no fault is left alone, but for segments of what has
    assert {column for _, column in found} <= {subject[1], LOGNORMAL[1] if subject[1] == NORMAL[1] else subject[1]}
