from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.methods import Method, method_for, score
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.layout import Kind
from tests.support.profiles import category_layout, profile_numbers, profile_values

VALUES = np.random.default_rng(1).normal(size=2000)


@pytest.mark.parametrize("method", Method)
def test_score_is_zero_between_equal_profiles(method):
    profile = profile_numbers(VALUES)

    assert score(method, profile, profile) == 0


@pytest.mark.parametrize("method", Method)
def test_score_grows_with_the_shift(method):
    near, far = (score(method, profile_numbers(VALUES), profile_numbers(VALUES + by)) for by in (0.1, 1.0))

    assert 0 < near < far


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("current", [[], [None, None], [math.nan, math.inf]], ids=["empty", "null", "not-finite"])
def test_score_without_a_value_is_none(method, current):
    assert score(method, profile_numbers(VALUES), profile_numbers(pa.array(current, pa.float64()))) is None


def test_scores_leave_nulls_nan_and_infinities_out():
    clean, dirty = profile_numbers([1.0, 2.0, 3.0]), profile_numbers([1.0, 2.0, 3.0, math.nan, math.inf])

    assert score("ks", clean, dirty) == 0


def test_psi_of_a_value_that_vanished_counts_half_a_row():
    layout = category_layout("a", "b")
    found = score("psi", profile_values(["a", "b"] * 10, layout), profile_values(["a"] * 20, layout))

    assert found == pytest.approx(0.5 * math.log(2) + (0.025 - 0.5) * math.log(0.025 / 0.5))


def test_wasserstein_of_a_constant_reference_is_normed_by_the_floor():
    assert score("wasserstein", profile_numbers([1.0] * 3), profile_numbers([1.5] * 3)) == pytest.approx(500)


@pytest.mark.parametrize("method", [Method.WASSERSTEIN, Method.KS])
def test_score_that_needs_an_order_is_none_for_a_category(method):
    profile = profile_values(["a"], category_layout("a"))

    assert score(method, profile, profile) is None


@pytest.mark.parametrize(
    ("kind", "method", "chosen"),
    [
        (Kind.NUMERIC, "ks", Method.KS),
        (Kind.CATEGORY, "ks", Method.JENSENSHANNON),
        (Kind.CATEGORY, "wasserstein", Method.JENSENSHANNON),
        (Kind.CATEGORY, "psi", Method.PSI),
    ],
)
def test_method_for_a_category_needs_no_order(kind, method, chosen):
    assert method_for(kind, method) is chosen


def test_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'wasserstien'.*did you mean 'wasserstein'"):
        score("wasserstien", profile_numbers([1.0]), profile_numbers([1.0]))


def test_unknown_method_without_a_near_name_lists_the_valid():
    with pytest.raises(ConfigError, match="valid are psi, jensenshannon, wasserstein, ks"):
        method_for(Kind.NUMERIC, "mmd")
