from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.drift.methods import Method
from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from tests.support.profiles import (
    category_schema,
    loan_spec,
    loan_table,
    make_schema,
    numeric_schema,
)

SCHEMA = make_schema(numeric_schema(quantum=2.0**-20), category_schema("a", "b"))
REFERENCE = profile_table(pa.table({"x": np.arange(100.0), "c": ["a", "b"] * 50}), SCHEMA)


def compare_tables(x=None, c=None, **settings):
    columns = {"x": x, "c": c}
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    drifts = compare_profiles(SCHEMA, REFERENCE, profile_table(table, SCHEMA), **{"method": "psi", **settings})
    return {drift.column: drift for drift in drifts}


def test_column_like_its_reference_scores_nothing():
    drift = compare_tables(x=np.arange(100.0), c=["a", "b"] * 50)["x"]

    assert (drift.score, drift.note) == (0.0, "")


def test_column_that_moved_scores_by_how_far():
    drift = compare_tables(x=np.arange(100.0) + 50, c=["a"] * 100)

    assert min(found.score for found in drift.values()) > 0.2


@pytest.mark.parametrize(
    ("values", "note"),
    [
        pytest.param(pa.array([], pa.float64()), "the partition has no rows", id="empty"),
        pytest.param(pa.nulls(50, pa.float64()), "the partition is all null (50 rows)", id="null"),
        pytest.param([math.nan] * 50, "the partition has no finite value in 50 rows", id="nan"),
        pytest.param([1.0] * 29, "the partition has 29 values, fewer than 30", id="few"),
    ],
)
def test_column_without_enough_data_says_so(values, note):
    drift = compare_tables(x=values)["x"]

    assert (drift.score, drift.note) == (None, note)


def test_absent_column_is_reported():
    drift = compare_tables(x=np.arange(100.0))["c"]

    assert (drift.score, drift.note) == (None, "the partition does not have the column")


def test_absent_reference_is_reported():
    (drift, _) = compare_profiles(SCHEMA, Profile.empty(SCHEMA), REFERENCE, method="psi")

    assert (drift.score, drift.note) == (None, "the reference has no rows")


def test_category_names_the_method_that_was_used():
    drift = compare_tables(x=np.arange(100.0), c=["a", "b"] * 50, method="ks")

    assert (drift["x"].method, drift["c"].method) == (Method.KS, Method.JENSENSHANNON)


def test_values_left_out_are_named():
    drift = compare_tables(x=[*range(100), math.inf, math.nan])["x"]

    assert drift.note == "2 NaN or infinite values of the partition not compared"


def test_grid_that_does_not_fit_says_pin_again():
    current = np.random.default_rng(1).normal(1e6, 1, 3000)

    assert compare_tables(x=current)["x"].note == "too few bins: pin the profile schema again"


def test_every_column_of_the_schema_is_reported_in_order():
    schema = pin_schema(loan_spec(), loan_table(500, seed=1))
    profile = profile_table(loan_table(500, seed=2), schema)

    drifts = compare_profiles(schema, profile, Profile.empty(schema), method="wasserstein")
    assert [drift.column for drift in drifts] == [column.name for column in schema.columns]


def test_profile_of_another_schema_is_refused():
    with pytest.raises(ProfileSchemaMismatchError, match="current profile"):
        compare_profiles(SCHEMA, REFERENCE, Profile.empty(make_schema()), method="psi")


def test_column_whose_method_needs_rows_is_listed_as_not_compared():
    drift = compare_tables(x=np.arange(100.0), c=["a", "b"] * 50, methods={"x": "anderson"})

    assert (drift["x"].score, drift["x"].method) == (None, "anderson")
    assert drift["x"].note == "not compared: anderson needs rows, and one side has only a profile"
    assert drift["c"].score == 0


def test_identifier_is_counted_and_not_compared():
    schema = make_schema(ColumnSchema(name="i", kind=Kind.IDENTIFIER))
    profile = profile_table(pa.table({"i": [f"i{number}" for number in range(50)]}), schema)

    (found,) = compare_profiles(schema, profile, profile, method="psi")

    assert found.score is None
    assert "the partition has identifiers, which are counted, not compared" in found.note
