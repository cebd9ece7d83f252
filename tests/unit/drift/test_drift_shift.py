"""A vector drifts by its norm or by the shift of its mean, each by limits of its own nights."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from airflow_mlmon.drift.compare import DriftState, compare
from airflow_mlmon.drift.methods import measure, method_for, sampled_methods
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.drift.windows import window_limits
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_layout
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.reports.heat import heat_map
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


LAYOUT = pin_layout(make_spec(v={"type": "vector", "dimension": DIMENSION}), to_table(vectors(2_000, 0)))
NIGHTS = [profile_table(to_table(vectors(300, seed)), LAYOUT) for seed in range(1, 13)]
REFERENCE = sum_profiles(LAYOUT, NIGHTS)


def profile(rows: int = 300, seed: int = 99, **changes) -> Profile:
    return profile_table(to_table(vectors(rows, seed, **changes)), LAYOUT)


def compare_with_reference(current: Profile, method: str = "psi"):
    limits = window_limits(LAYOUT, NIGHTS, method, 0.95)
    (found,) = compare(LAYOUT, REFERENCE, current, method=method, limits=limits)
    return found


def test_rotation_that_keeps_the_norms_is_seen():
    found = compare_with_reference(profile(turned=True))

    assert found.score == 0
    assert found.state is DriftState.BEYOND
    assert found.mean_shift > 3
    assert found.mean_shift_limit < 0.5
    assert found.note.startswith(f"mean shift {found.mean_shift:.3f} sd in dimension ")
    assert found.note.endswith(f" of 8, limit {found.mean_shift_limit:.3f}")


def test_quiet_night_is_within():
    assert compare_with_reference(profile()).state is DriftState.WITHIN


def test_norm_that_grows_is_seen_by_the_methods_of_numbers():
    found = compare_with_reference(profile(scale=1.5))

    assert found.state is DriftState.BEYOND
    assert found.score > found.limit


def test_limits_split_the_alarms_between_norm_and_mean():
    (limit,) = window_limits(LAYOUT, NIGHTS, "ks", 0.9).values()
    shifts = []
    for at, night in enumerate(NIGHTS):
        others = sum_profiles(LAYOUT, NIGHTS[:at] + NIGHTS[at + 1 :])
        shifts.append(mean_shift(others.columns["v"], night.columns["v"]).value)

    assert limit.quantile == pytest.approx(0.95)
    assert limit.mean_shift == pytest.approx(np.quantile(shifts, 0.95))
    assert limit.nights == 12


def test_quiet_nights_alarm_no_more_often_than_asked():
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(60):
        nights = [profile_table(to_table(vectors(60, int(random.integers(1 << 30)))), LAYOUT) for _ in range(13)]
        limits = window_limits(LAYOUT, nights[1:], "ks", 0.9)
        (found,) = compare(LAYOUT, sum_profiles(LAYOUT, nights[1:]), nights[0], method="ks", limits=limits)
        alarms += found.state is DriftState.BEYOND

    # 10 % asked for; a limit from twelve nights lets about 1/13 more through
    assert alarms / 60 < 0.25


def test_windows_have_a_limit_of_the_mean_shift_too():
    one = window_limits(LAYOUT, NIGHTS, "ks", 0.9)["v"]
    four = window_limits(LAYOUT, NIGHTS, "ks", 0.9, 4)["v"]

    assert 0 < four.mean_shift < one.mean_shift


def test_mean_shift_is_the_largest_standardised_difference():
    first, second = vectors(500, 1), vectors(400, 2, turned=True)
    found = mean_shift(*(profile_table(to_table(side), LAYOUT).columns["v"] for side in (first, second)))
    expected = np.abs(first.mean(axis=0) - second.mean(axis=0)) / first.std(axis=0)

    assert found.value == pytest.approx(expected.max(), rel=1e-5)
    assert (found.dimension, found.dimensions) == (int(expected.argmax()), DIMENSION)


def test_p_value_is_that_of_students_test_times_the_dimensions():
    first, second = vectors(80, 1), vectors(60, 4)
    found = mean_shift(*(profile_table(to_table(side), LAYOUT).columns["v"] for side in (first, second)))

    smallest = min(stats.ttest_ind(first[:, at], second[:, at]).pvalue for at in range(DIMENSION))
    assert found.p_value == pytest.approx(min(1, DIMENSION * smallest), rel=1e-4)


@pytest.mark.parametrize("method", PROFILED)
def test_every_method_of_profiles_works_on_the_norm(method):
    first, second = profile(seed=1).columns["v"], profile(seed=2, scale=1.5).columns["v"]

    chosen = method_for(Kind.VECTOR, method)

    assert measure(chosen, first, second) == measure(chosen, first.norm, second.norm)
    assert measure(chosen, first, second).effect > 0


def test_methods_that_need_rows_refuse_vectors():
    assert sampled_methods(LAYOUT.columns, Method.ANDERSON, {}) == {}
    found = compare_with_reference(profile(), "anderson")

    assert found.state is DriftState.INSUFFICIENT_DATA
    assert found.note == "not compared: anderson needs rows, and of a vector no sample is kept"


def test_vectors_left_out_are_told():
    held = [*vectors(300, 1).tolist(), [1.0], [np.nan] * DIMENSION, [1e30] * DIMENSION]
    found = compare_with_reference(profile_table(pa.table({"v": pa.array(held)}), LAYOUT))

    assert "1 vectors of the partition with a NaN or infinite element left out" in found.note
    assert "1 vectors of the partition of another dimension or with an empty element left out" in found.note
    assert "1 vectors of the partition too far out for the mean shift" in found.note


def test_shift_stands_in_the_detail_and_colours_the_map():
    metric = score_metric(compare_with_reference(profile(turned=True)), "the reference")
    heat = heat_map([DAY], [(DAY, metric)], {})

    assert metric.detail["mean_shift"] > metric.detail["mean_shift_limit"]
    assert heat.rows[0].beyond[0].score == metric.detail["mean_shift"]
