from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.methods import measure_column, method_for, score
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.spec.methods import PROFILED, Method
from tests.support.profiles import category_schema, profile_numbers, profile_values

VALUES = np.random.default_rng(1).normal(size=2000)
OF_NUMBERS = [method for method in PROFILED if method is not Method.Z]
OF_CATEGORIES = [method for method in PROFILED if method_for(Kind.CATEGORY, method) is method]


@pytest.mark.parametrize("method", OF_NUMBERS)
def test_score_is_zero_between_equal_profiles(method):
    profile = profile_numbers(VALUES)

    assert score(method, profile, profile) == 0


@pytest.mark.parametrize("method", OF_NUMBERS)
def test_score_grows_with_the_shift(method):
    near, far = (score(method, profile_numbers(VALUES), profile_numbers(VALUES + by)) for by in (0.1, 1.0))

    assert 0 < near < far


@pytest.mark.parametrize("method", PROFILED)
@pytest.mark.parametrize("current", [[], [None, None], [math.nan, math.inf]], ids=["empty", "null", "not-finite"])
def test_score_without_a_value_is_none(method, current):
    assert score(method, profile_numbers(VALUES), profile_numbers(pa.array(current, pa.float64()))) is None


def test_scores_leave_nulls_nan_and_infinities_out():
    clean, dirty = profile_numbers([1.0, 2.0, 3.0]), profile_numbers([1.0, 2.0, 3.0, math.nan, math.inf])

    assert score("ks", clean, dirty) == 0


@pytest.mark.guards("fault-26")
def test_psi_of_a_value_that_vanished_counts_half_a_row():
    schema = category_schema("a", "b")
    found = score("psi", profile_values(["a", "b"] * 10, schema), profile_values(["a"] * 20, schema))

    assert found == pytest.approx(0.5 * math.log(2) + (0.025 - 0.5) * math.log(0.025 / 0.5))


@pytest.mark.guards("fault-27")
def test_wasserstein_of_a_constant_reference_is_normed_by_the_floor():
    assert score("wasserstein", profile_numbers([1.0] * 3), profile_numbers([1.5] * 3)) == pytest.approx(500)


@pytest.mark.parametrize("method", [Method.WASSERSTEIN, Method.KS, Method.CRAMER_VON_MISES, Method.T_TEST])
def test_score_that_needs_an_order_is_none_for_a_category(method):
    profile = profile_values(["a"], category_schema("a"))

    assert score(method, profile, profile) is None


@pytest.mark.parametrize(
    ("kind", "method", "chosen"),
    [
        (Kind.NUMERIC, "ks", Method.KS),
        (Kind.CATEGORY, "ks", Method.JENSENSHANNON),
        (Kind.CATEGORY, "wasserstein", Method.JENSENSHANNON),
        (Kind.CATEGORY, "psi", Method.PSI),
        (Kind.CATEGORY, "t_test", Method.JENSENSHANNON),
        (Kind.CATEGORY, "z", Method.Z),
        (Kind.NUMERIC, "z", Method.T_TEST),
    ],
)
def test_method_for_a_category_needs_no_order(kind, method, chosen):
    assert method_for(kind, method) is chosen


def test_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'wasserstien'.*did you mean 'wasserstein'"):
        score("wasserstien", profile_numbers([1.0]), profile_numbers([1.0]))


def test_unknown_method_without_a_near_name_lists_the_valid():
    with pytest.raises(ConfigError, match="valid are psi, jensenshannon, hellinger, kl_div, TVD"):
        method_for(Kind.NUMERIC, "nothing alike")


def test_method_of_rows_is_refused_with_those_of_profiles():
    with pytest.raises(ConfigError, match=r"'mannw' needs rows.*psi, jensenshannon"):
        score("mannw", profile_numbers([1.0]), profile_numbers([1.0]))


@pytest.mark.parametrize("method", OF_CATEGORIES)
def test_score_of_a_category_grows_with_the_share(method):
    schema = category_schema("a", "b")
    sides = [profile_values(["a"] * count + ["b"] * (100 - count), schema) for count in (50, 45, 10)]

    assert score(method, sides[0], sides[0]) == pytest.approx(0, abs=1e-7)
    assert 0 < score(method, sides[0], sides[1]) < score(method, sides[0], sides[2])


@pytest.mark.parametrize("method", OF_NUMBERS)
def test_p_value_belongs_to_tests_alone(method):
    found = measure_column(method, profile_numbers(VALUES), profile_numbers(VALUES + 0.5))
    is_test = method in {Method.KS, Method.CRAMER_VON_MISES, Method.T_TEST, Method.CHISQUARE, Method.G_TEST}

    assert (found.p_value is not None) == is_test
    assert found.p_value is None or 0 <= found.p_value < 1e-6


@pytest.mark.parametrize("method", ["ks", "cramer_von_mises", "t_test", "chisquare", "g_test"])
def test_test_of_two_draws_of_one_distribution_alarms_at_its_rate(method):
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(400):
        first, second = profile_numbers(random.normal(size=500)), profile_numbers(random.normal(size=300))
        alarms += measure_column(method, first, second).p_value <= 0.05

    assert 0.02 <= alarms / 400 <= 0.085


def test_category_of_rare_values_does_not_alarm():
    random = np.random.default_rng(6)
    reference, current = ([f"id {number}" for number in random.integers(0, 10**6, 2000)] for _ in range(2))
    schema = category_schema(*sorted(set(reference))[:1000])
    found = measure_column("chisquare", profile_values(reference, schema), profile_values(current, schema))

    assert found.p_value > 0.05


def test_equal_shares_of_repeated_values_are_no_distance_to_cramer_von_mises():
    found = measure_column("cramer_von_mises", profile_numbers([0.0, 1.0] * 5000), profile_numbers([0.0, 1.0] * 50))

    assert found.value == 0
    assert found.p_value > 0.9


def test_t_test_of_constants_is_finite():
    found = measure_column("t_test", profile_numbers([1.0] * 40), profile_numbers([2.0] * 40))

    assert math.isfinite(found.value)
    assert found.p_value == 0


@pytest.mark.parametrize("method", [method for method in OF_NUMBERS if method is not Method.WASSERSTEIN])
def test_score_of_the_largest_doubles_is_finite(method):
    found = measure_column(method, profile_numbers([1e308, -1e308] * 40), profile_numbers([1e308] * 80))

    assert math.isfinite(found.value)
    assert found.p_value is None or found.p_value < 0.001
