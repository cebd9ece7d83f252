from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.hours import HOURS, MOST_SUMMED, Clock
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from tests.support.profiles import category_schema, make_schema, numeric_schema

SCHEMA = make_schema(numeric_schema(centre=1.0, quantum=0.5), category_schema("a"))
UTC = Clock(column="t")


def rows(hours, x=None, c=None):
    times = pa.array([None if hour is None else 3600 * hour for hour in hours], pa.timestamp("s", "UTC"))
    xs = pa.array(x if x is not None else [1.0] * len(hours), pa.float64())
    return pa.table({"t": times, "x": xs, "c": pa.array(c or ["a"] * len(hours), pa.string())})


def by_hour(counts):
    return {hour: count for hour, count in enumerate(counts) if count}


def test_rows_and_values_are_counted_by_hour():
    table = rows([3, 3, 4, 5, 5, 5], x=[2.0, 4.0, None, float("nan"), float("inf"), 0.0], c=["a", None, "a"] * 2)
    hours = profile_table(table, SCHEMA, clock=UTC).hours
    x, c = hours.column("x"), hours.column("c")

    assert by_hour(hours.rows) == {3: 2, 4: 1, 5: 3}
    assert by_hour(x.missing) == {4: 1, 5: 1}
    assert by_hour(x.observed) == {3: 2, 5: 1}
    # deviations of 1 and 3 from the centre, in halves
    assert by_hour(x.totals) == {3: 8, 5: -2}
    assert by_hour(c.missing) == {3: 1, 5: 1}


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 23), ("Europe/Berlin", 0), ("Asia/Kathmandu", 4)])
def test_hours_are_those_of_the_zone(zone, hour):
    hours = profile_table(rows([23]), SCHEMA, clock=Clock(column="t", zone=zone)).hours

    assert by_hour(hours.rows) == {hour: 1}


def test_hour_that_comes_twice_counts_both():
    # the clocks of Berlin go back at 01:00 UTC on 2024-10-27
    table = rows([480_552, 480_553], x=[1.5, 2.0])
    hours = profile_table(table, SCHEMA, clock=Clock(column="t", zone="Europe/Berlin")).hours

    assert by_hour(hours.rows) == {2: 2}
    assert by_hour(hours.column("x").totals) == {2: 3}


def test_row_without_a_time_is_in_no_hour():
    hours = profile_table(rows([None, 7]), SCHEMA, clock=UTC).hours

    assert by_hour(hours.rows) == by_hour(hours.column("x").rows) == {7: 1}


def test_rows_without_a_clock_have_no_hours():
    assert profile_table(rows([1]), SCHEMA).hours is None
    assert profile_table(rows([1]).drop(["t"]), SCHEMA, clock=UTC).hours is None


def test_sum_has_hours_only_if_all_rows_have():
    one, other = (profile_table(rows([hour]), SCHEMA, clock=clock) for hour, clock in ((1, UTC), (2, None)))

    assert by_hour(sum_profiles(SCHEMA, [one, one]).hours.rows) == {1: 2}
    assert (one + other).hours is None
    assert (Profile.empty(SCHEMA) + one).hours == one.hours


def test_sums_beyond_a_double_are_exact():
    schema = make_schema(numeric_schema(quantum=1.0), category_schema("a"))
    large = [2.0**53 - 1, 2.0**60, 3.0]
    hours = profile_table(rows([6, 6, 6], x=large), schema, clock=UTC).hours

    assert by_hour(hours.column("x").totals) == {6: 2**53 - 1 + 2**60 + 3}


def test_value_of_a_dictionary_may_be_null():
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), pa.array([None, "a"]))
    table = rows([1, 2, 3]).set_column(2, "c", texts)

    assert by_hour(profile_table(table, SCHEMA, clock=UTC).hours.column("c").missing) == {1: 1, 3: 1}


def test_sums_are_bounded_in_number():
    names = [f"x{number}" for number in range(MOST_SUMMED + 1)]
    schema = make_schema(*(numeric_schema(name) for name in names))
    table = pa.table({"t": rows([1]).column("t"), **{name: np.array([2.0]) for name in names}})
    hours = profile_table(table, schema, clock=UTC).hours

    assert hours.column(names[-2]).totals == (0, 2, *(0,) * (HOURS - 2))
    assert by_hour(hours.column(names[-1]).rows) == {1: 1}
    assert not any(hours.column(names[-1]).observed)


def test_clock_without_times_is_refused():
    table = rows([1]).set_column(0, "t", pa.array(["noon"]))

    with pytest.raises(SchemaMismatchError, match="'t'"):
        profile_table(table, SCHEMA, clock=UTC)
