"""Shape of values beside their ranks, and models of few rows a day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from tests.support.profiles import make_schema, numeric_schema

DAY = date(2026, 3, 2)
SCHEMA = make_schema(numeric_schema(centre=10.0, quantum=2.0**-30))


def profiled(values) -> Profile:
    import pyarrow as pa  # noqa: PLC0415

    return profile_table(pa.table({"x": pa.array(values)}), SCHEMA)


def drawn(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(10.0, 1.0, rows)


def evaluated(now: np.ndarray, past: list[np.ndarray], *, fewest: int = 30, baseline=None) -> Verdict:
    """The verdict on a day, by the days before and a baseline of 5,000 rows."""
    baseline = profiled(drawn(5_000, 0) if baseline is None else baseline)
    profiles = [profiled(values) for values in past]
    days = [DAY - timedelta(days=back) for back in range(len(past), 0, -1)]
    history = ColumnDays(
        day=DAY,
        now=profiled(now),
        past=list(zip(days, profiles, strict=True)),
        baselines={"x": (baseline, frozenset())},
        fewest=fewest,
    )
    score = MetricValue(metric="drift_score", column="x", value=0.1, rows=len(now))
    evidence = PartitionEvidence(day=DAY, metrics=[score], past={}, columns=history.columns())
    # as one of many columns
    [verdict] = evaluate_day(evidence, EvaluationPolicy(rate=0.001))
    return verdict


def past_days(rows: int, days: int = 20) -> list[np.ndarray]:
    return [drawn(rows, seed) for seed in range(1, days + 1)]


NOW = drawn(1_000, 99)
THOUSAND_FOLD = np.where(np.arange(1_000) < 8, NOW * 1_000, NOW)
ONE_HUGE = np.where(np.arange(1_000) < 1, NOW * 10_000, NOW)
WIDE = np.where(np.arange(1_000) < 100, 10 + (NOW - 10) * 3, NOW)
NARROW = 10 + (NOW - 10) * 0.7
STUCK = np.where(np.arange(1_000) < 40, 10.25, NOW)
ROUNDED = np.round(NOW * 4) / 4


@pytest.mark.parametrize(
    ("values", "words", "days"),
    [
        (THOUSAND_FOLD, "largest value far above those of past days", 20),
        (THOUSAND_FOLD, "largest value far above those of the baseline", 0),
        (ONE_HUGE, "largest value far above those of past days", 20),
        (ONE_HUGE, "largest value far above those of the baseline", 0),
        (WIDE, "vary more than expected, by a factor of 1.", 20),
        (NARROW, "vary less than expected, by a factor of 0.7", 20),
        (NARROW, "vary less than expected, by a factor of 0.7", 0),
        (STUCK, "% of the values are 10.2", 20),
        (STUCK, "% of the values are 10.2", 0),
        # the baseline alone is too small to say how many values a day has
        (ROUNDED, "fewer distinct values than expected", 20),
    ],
)
def test_what_ranks_do_not_see_is_found_and_named(values, words, days):
    verdict = evaluated(values, past_days(1_000, days))

    assert verdict.state is VerdictState.BREACH
    assert words in verdict.note


@pytest.mark.parametrize("days", [20, 0], ids=["history", "alone"])
def test_healthy_day_has_nothing_of_it(days):
    assert evaluated(NOW, past_days(1_000, days)).state is VerdictState.OK


def test_a_day_of_more_rows_than_the_baseline_has_no_expected_number_of_values():
    """New values become fewer with the rows, but how fast is not known: 200,000 rows of cents, beside 40,000."""
    cents = [np.round(drawn(2_000, seed), 3) for seed in range(1, 21)]
    verdict = evaluated(np.round(drawn(200_000, 99), 3), cents, baseline=np.round(drawn(40_000, 0), 3))

    assert (verdict.state, verdict.note) == (VerdictState.OK, "")


def test_days_of_few_rows_are_evaluated_together():
    past = past_days(24, 30)
    shifted = [drawn(24, 70) + 1.0, drawn(24, 71) + 1.0]

    assert evaluated(shifted[1], [*past, shifted[0]]).state is VerdictState.BREACH
    assert evaluated(past[-1], past[:-1]).state is VerdictState.OK


def test_a_week_of_too_few_rows_is_not_enough():
    verdict = evaluated(drawn(4, 70), past_days(4, 30))

    assert (verdict.state, verdict.note) == (VerdictState.INSUFFICIENT_DATA, "4 values, fewer than 30")


def test_days_are_pooled_as_their_rows_would_be():
    past = past_days(24, 3)
    history = ColumnDays(
        day=DAY,
        now=profiled(drawn(24, 70)),
        past=[(DAY - timedelta(days=back), profiled(past[-back])) for back in (3, 2, 1)],
        baselines={"x": (profiled(drawn(5_000, 0)), frozenset())},
        fewest=30,
    )
    pooled = sum_profiles(SCHEMA, [history.now, *(profile for _, profile in history.pooled)])

    assert len(history.pooled) == 1
    assert pooled == profiled(np.concatenate([past[-1], drawn(24, 70)]))


def rain(rows: int, seed: int) -> np.ndarray:
    """Mostly none, and some days a lot of it."""
    random = np.random.default_rng(seed)
    amount = random.lognormal(0.0, 1.5, rows) * np.exp(random.normal(0.0, 1.5))
    return np.where(random.random(rows) < 0.06, amount, 0.0)


def test_column_without_a_sign_of_anything_shows_the_effect_of_its_values():
    """The effect sizes of the largest value and of the spread are large on any day."""
    past, baseline = (
        [rain(1_000, seed) for seed in range(20)],
        np.concatenate([rain(200, at) for at in range(300, 325)]),
    )
    found = [evaluated(rain(1_000, seed), past, baseline=baseline) for seed in range(200, 210)]

    assert {verdict.state for verdict in found} == {VerdictState.OK}
    assert max(abs(verdict.effect) for verdict in found if verdict.p_value >= 0.5) < 0.2
