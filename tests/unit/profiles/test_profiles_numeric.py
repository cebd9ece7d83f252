from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.column import sum_columns
from airflow_mlmon.profiles.columns.distribution import MAX_VALUES
from airflow_mlmon.profiles.values.exact import sum_quantised
from tests.support.profiles import numeric_schema, profile_numbers, profile_values


def test_missing_and_infinite_values_are_counted_apart():
    profile = profile_numbers(pa.array([1.0, None, math.nan, math.inf, math.inf, -math.inf]))

    assert (profile.rows, profile.observed, profile.missing) == (6, 1, 2)
    assert (profile.nulls, profile.nans, profile.positive_infinities, profile.negative_infinities) == (1, 1, 2, 1)


@pytest.mark.parametrize("values", [pa.array([], pa.float64()), pa.nulls(4, pa.float64()), pa.nulls(2)])
def test_profile_without_a_value_has_no_statistics(values):
    profile = profile_numbers(values)

    assert (profile.min, profile.max, profile.mean, profile.std, profile.quantile(0.5)) == (None,) * 5


def test_mean_and_std_are_those_of_the_values():
    values = np.random.default_rng(2).normal(5, 3, 5000)
    profile = profile_numbers(values)

    assert profile.mean == pytest.approx(values.mean(), abs=2.0**-31)
    assert profile.std == pytest.approx(values.std(), abs=2.0**-31)
    assert (profile.min, profile.max) == (values.min(), values.max())


def test_sums_hold_the_largest_doubles():
    profile = profile_numbers([1.5e308, 1.5e308, -1.0])

    assert profile.mean == pytest.approx(1e308)
    assert profile.std == pytest.approx(1e308 / math.sqrt(2))


def test_integers_beyond_two_to_the_53_are_told_apart():
    first = 2**60
    profile = profile_values([first, first + 1, first + 2], numeric_schema(centre=float(first), integer=True))

    assert profile.distribution.values.keys.tolist() == [0.0, 1.0, 2.0]
    assert profile.total == 3


@pytest.mark.guards("fault-24")
def test_integers_at_the_ends_of_their_range_do_not_wrap():
    profile = profile_values([-(2**63), 2**63 - 1], numeric_schema(centre=1.0, integer=True))

    assert profile.distribution.values.keys.tolist() == [-(2.0**63), 2.0**63]


def test_unsigned_integers_beyond_the_signed_range_are_read():
    profile = profile_values(pa.array([2**64 - 1, 0], pa.uint64()), numeric_schema(integer=True))

    assert profile.max == 2.0**64


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array([1, 2], pa.int8()), id="int8"),
        pytest.param(pa.array([1, 2], pa.float32()), id="float32"),
        pytest.param(pa.array(["1.00", "2.00"]).cast(pa.decimal128(10, 2)), id="decimal"),
        pytest.param(pa.array([1.0, 2.0]).dictionary_encode(), id="dictionary"),
        pytest.param(pa.chunked_array([[1.0], [], [2.0]]), id="chunks"),
    ],
)
def test_numbers_of_any_arrow_type_are_read(values):
    assert profile_numbers(values).distribution.values.keys.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamp_is_the_second_of_its_day(unit):
    moments = pa.array([-1, 86_400 + 7, 3600], pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "UTC"))

    assert profile_numbers(moments).distribution.values.keys.tolist() == [7, 3600, 86_399]


def test_date_is_its_midnight():
    assert profile_numbers(pa.array([1, 20_000], pa.date32())).max == 0.0


def test_time_of_day_is_its_second():
    assert profile_numbers(pa.array([5000, 7000], pa.time32("ms"))).max == 7.0


@pytest.mark.parametrize("values", [[[1.0]], ["1.5"], [b"1"], [{"k": 1}]], ids=["list", "text", "bytes", "struct"])
def test_column_that_holds_no_numbers_is_refused_by_name(values):
    with pytest.raises(SchemaMismatchError, match="Column 'x' is of type"):
        profile_numbers(pa.array(values))


def test_booleans_are_read_as_numbers_where_declared_so():
    assert profile_numbers([True, False, True]).mean == pytest.approx(2 / 3)


def test_values_are_counted_one_by_one_up_to_the_limit():
    profile = profile_numbers(np.arange(MAX_VALUES).repeat(2) / 8)

    assert profile.distribution.is_exact
    assert profile.distribution.values.counts.tolist() == [2] * MAX_VALUES


def test_one_value_beyond_the_limit_turns_to_the_grid():
    first, second = profile_numbers(np.arange(MAX_VALUES) / 8), profile_numbers([-1.0])

    both = sum_columns((first, second)).distribution
    assert not both.is_exact
    assert both.rows == MAX_VALUES + 1


def test_atoms_keep_their_counts_beside_the_grid():
    values = np.concatenate((np.linspace(1, 9, 2000), np.full(50, 2.0), np.zeros(30)))
    schema = numeric_schema(quantum=2.0**-20, atoms=(0.0, 2.0))

    atoms = profile_numbers(values, schema).distribution.atoms
    assert (atoms.keys.tolist(), atoms.counts.tolist()) == ([0.0, 2.0], [30, 50])


def test_grid_far_from_its_centre_says_that_it_is_too_coarse():
    values = np.random.default_rng(3).normal(1e6, 1, 5000)

    assert profile_numbers(values).distribution.is_too_coarse
    assert not profile_numbers(values, numeric_schema(centre=1e6)).distribution.is_too_coarse


def test_quantile_is_that_of_the_values():
    assert profile_numbers([4.0, 1.0, 3.0, 2.0]).quantile(0.5) == 2.0


@pytest.mark.parametrize("exponent", [-5, -40, -70, -400])
def test_sums_are_exact_however_much_smaller_than_the_values_the_quantum_is(exponent):
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(0, 10.0**scale, 200) for scale in range(-6, 9)])
    quantum = 2.0**exponent
    integers = [round(Fraction(value) / Fraction(quantum)) for value in values.tolist()]

    assert sum_quantised(values, quantum, reach=float(np.abs(values).max())) == (
        sum(integers),
        sum(integer * integer for integer in integers),
    )
