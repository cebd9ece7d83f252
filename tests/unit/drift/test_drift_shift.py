"""A vector drifts by its norm or by the shift of its mean, each beside its own past days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from airflow_mlmon.drift.compare import ColumnDrift, compare_profiles
from airflow_mlmon.drift.methods import measure_column, method_for, sampled_methods
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.evaluation.columns import evaluate_columns, evaluate_pair
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.methods import PROFILED, Method
from tests.support.profiles import make_spec
from tests.support.published import DAY

DIMENSION = 8


def vectors(rows: int, seed: int, *, turned: bool = False, scale: float = 1.0) -> np.ndarray:
    """Vectors of norm `scale` around the first axis or, turned, around the second."""
    drawn = np.random.default_rng(seed).normal(0, 0.3, (rows, DIMENSION))
    drawn[:, 0] += 1
    drawn *= scale / np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn[:, [1, 0, *range(2, DIMENSION)]] if turned else drawn


def to_table(values: np.ndarray) -> pa.Table:
    return pa.table({"v": pa.array(values.tolist())})


SCHEMA = pin_schema(make_spec(v={"type": "vector", "dimension": DIMENSION}), to_table(vectors(2_000, 0)))
DAYS = [profile_table(to_table(vectors(300, seed)), SCHEMA) for seed in range(1, 13)]
REFERENCE = sum_profiles(SCHEMA, DAYS)


def profile(rows: int = 300, seed: int = 99, **changes) -> Profile:
    return profile_table(to_table(vectors(rows, seed, **changes)), SCHEMA)


def compare_with_reference(current: Profile, method: str = "psi") -> ColumnDrift:
    (found,) = compare_profiles(SCHEMA, REFERENCE, current, method=method)
    return found


def evaluate(current: Profile, past: Sequence[Profile] = DAYS, rate: float = 0.05) -> Verdict:
    """The verdict beside past days, whose sum the baseline is."""
    days = [(DAY - timedelta(days=back), one_day) for back, one_day in zip(range(len(past), 0, -1), past, strict=True)]
    baseline = sum_profiles(SCHEMA, past)
    all_days = ColumnDays(
        day=DAY, now=current, past=days, baselines={"v": (baseline, {day for day, _ in days})}, length=28
    )
    (drift,) = compare_profiles(SCHEMA, baseline, current, method="psi")
    return evaluate_columns(all_days, [score_metric(drift, "the reference")], EvaluationPolicy(rate=rate))["v"]


def test_rotation_that_keeps_the_norms_is_seen():
    drift, verdict = compare_with_reference(profile(turned=True)), evaluate(profile(turned=True))

    assert drift.score == 0
    assert verdict.state is VerdictState.BREACH
    assert drift.mean_shift > 3
    assert verdict.effect == pytest.approx(drift.mean_shift, abs=0.5)
    assert drift.note.startswith(f"mean shift {drift.mean_shift:.3f} sd in dimension ")
    assert verdict.note == drift.note
    assert (verdict.rule, verdict.history) == ("as expected in 12 days", 12)


def test_rotation_is_seen_without_any_past_day():
    drift = compare_with_reference(profile(turned=True))

    verdict = evaluate_pair(
        DAY, REFERENCE, profile(turned=True), [score_metric(drift, "the reference")], EvaluationPolicy()
    )["v"]

    assert (verdict.state, verdict.rule) == (VerdictState.BREACH, "sampling error only")


def test_day_like_the_others_has_not_drifted():
    assert evaluate(profile()).state is VerdictState.OK


def test_norm_that_grows_is_seen_by_the_methods_of_numbers():
    assert evaluate(profile(scale=1.5)).state is VerdictState.BREACH
    assert compare_with_reference(profile(scale=1.5)).score > 0.2


def test_healthy_days_alarm_no_more_often_than_asked():
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(60):
        days = [profile_table(to_table(vectors(60, int(random.integers(1 << 30)))), SCHEMA) for _ in range(13)]
        alarms += evaluate(days[0], days[1:], rate=0.1).state is VerdictState.BREACH

    assert alarms / 60 < 0.25


def test_means_that_always_move_are_expected_to():
    """Each day turns by itself: by sampling error alone each would have drifted."""
    turns = np.random.default_rng(3).uniform(0, 0.6, 13)
    days = []
    for seed, turn in enumerate(turns):
        drawn = vectors(300, 200 + seed)
        drawn[:, 2] += turn
        days.append(profile_table(to_table(drawn), SCHEMA))
    drift = compare_profiles(SCHEMA, sum_profiles(SCHEMA, days[1:]), days[0], method="psi")

    alone = evaluate_pair(
        DAY, sum_profiles(SCHEMA, days[1:]), days[0], [score_metric(*drift, "the reference")], EvaluationPolicy()
    )["v"]

    assert alone.state is VerdictState.BREACH
    assert evaluate(days[0], days[1:]).state is VerdictState.OK


def test_mean_shift_is_the_largest_standardised_difference():
    first, second = vectors(500, 1), vectors(400, 2, turned=True)
    found = mean_shift(*(profile_table(to_table(side), SCHEMA).columns["v"] for side in (first, second)))
    expected = np.abs(first.mean(axis=0) - second.mean(axis=0)) / first.std(axis=0)

    assert found.value == pytest.approx(expected.max(), rel=1e-5)
    assert (found.dimension, found.dimensions) == (int(expected.argmax()), DIMENSION)


def test_p_value_is_that_of_students_test_times_the_dimensions():
    first, second = vectors(80, 1), vectors(60, 4)
    found = mean_shift(*(profile_table(to_table(side), SCHEMA).columns["v"] for side in (first, second)))

    smallest = min(stats.ttest_ind(first[:, at], second[:, at]).pvalue for at in range(DIMENSION))
    assert found.p_value == pytest.approx(min(1, DIMENSION * smallest), rel=1e-4)


@pytest.mark.parametrize("method", PROFILED)
def test_every_method_of_profiles_works_on_the_norm(method):
    first, second = profile(seed=1).columns["v"], profile(seed=2, scale=1.5).columns["v"]

    chosen = method_for(Kind.VECTOR, method)

    assert measure_column(chosen, first, second) == measure_column(chosen, first.norm, second.norm)
    assert measure_column(chosen, first, second).effect > 0


def test_methods_that_need_rows_refuse_vectors():
    assert sampled_methods(SCHEMA.columns, Method.ANDERSON, {}) == {}
    found = compare_with_reference(profile(), "anderson")

    assert found.score is None
    assert found.note == "not compared: anderson needs rows, and samples contain no vectors"


def test_vectors_left_out_are_told():
    held = [*vectors(300, 1).tolist(), [1.0], [np.nan] * DIMENSION, [1e30] * DIMENSION]
    found = compare_with_reference(profile_table(pa.table({"v": pa.array(held)}), SCHEMA))

    assert "1 vectors of the partition with a NaN or infinite element not compared" in found.note
    assert "1 vectors of the partition of another dimension or with a null element not compared" in found.note
    assert "1 vectors of the partition too large for the mean shift" in found.note


def test_shift_stands_in_the_detail():
    drift = compare_with_reference(profile(turned=True))

    assert score_metric(drift, "the reference").drift.mean_shift == drift.mean_shift
