from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.infer import allow_for_chance, infer_checks
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check

SPEC = """
model: flights
start: 2013-03-01
reference: {path: "file:///reference"}
predictions:
  path: "file:///archive/{date}"
  columns:
    id: {type: string, role: id, required: true}
    at: {type: timestamp, role: time, required: true}
    version: {type: string, role: version}
    wind: {type: float}
    temp: {type: float}
    seats: {type: integer, required: true}
    origin: {type: category}
    delayed: {type: boolean}
    mail: {type: string, personal: hash}
    score: {type: float, role: score}
    late: {type: boolean, role: prediction}
"""
DAYS = 5


def draw_day(seed: int, rows: int = 200, empty: int = 4) -> pa.Table:
    random = np.random.default_rng(seed)
    wind = random.uniform(0, 40, rows)
    return pa.table(
        {
            "id": [f"{seed}-{row}" for row in range(rows)],
            "at": pa.array([datetime(2013, 1, 1 + seed, 12, tzinfo=UTC)] * rows, pa.timestamp("us", "UTC")),
            "version": ["v1"] * rows,
            "wind": pa.array([None if row < empty else value for row, value in enumerate(wind.tolist())]),
            "temp": random.normal(0, 10, rows),
            "seats": pa.array([10, 400, *random.integers(10, 400, rows - 2).tolist()], pa.int64()),
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
            "delayed": random.random(rows) < 0.3,
            "mail": ["hash"] * rows,
            "score": random.uniform(0.01, 0.9, rows),
            "late": random.random(rows) < 0.2,
        }
    )


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    return parse_spec(SPEC, "flights.yaml")


@pytest.fixture(scope="module")
def tables() -> list[pa.Table]:
    return [draw_day(seed, rows=200 + 20 * seed, empty=4 * seed) for seed in range(DAYS)]


@pytest.fixture(scope="module")
def schema(spec, tables) -> ProfileSchema:
    return pin_schema(spec, pa.concat_tables(tables))


@pytest.fixture(scope="module")
def days(schema, tables) -> list[Profile]:
    return [profile_table(table, schema) for table in tables]


@pytest.fixture(scope="module")
def checks(schema, days, spec) -> tuple[Check, ...]:
    return infer_checks(schema, sum_profiles(schema, days), days, spec)


def arguments(checks, expectation, column=None):
    (found,) = [check for check in checks if (check.expectation, check.column) == (expectation, column)]
    return found.arguments


def test_only_the_checks_of_the_id_are_blocking(checks):
    blocking = [(check.column, check.expectation) for check in checks if check.severity is Severity.BLOCKING]

    assert blocking == [("id", "expect_column_values_to_not_be_null"), ("id", "expect_column_values_to_be_unique")]


def test_required_columns_may_never_be_empty(checks):
    assert arguments(checks, "expect_column_values_to_not_be_null", "seats") == {}
    assert arguments(checks, "expect_column_values_to_not_be_null", "at") == {}


def test_null_rate_may_be_that_of_the_worst_day_and_a_margin(checks):
    worst = 16 / 280

    assert arguments(checks, "expect_column_values_to_not_be_null", "wind")["mostly"] == pytest.approx(
        1 - worst - 0.02, abs=1e-4
    )


def test_range_has_a_margin_and_keeps_what_is_never_negative(checks):
    seats = arguments(checks, "expect_column_values_to_be_between", "seats")

    assert (seats["min_value"], seats["max_value"]) == (0.0, pytest.approx(439))
    assert arguments(checks, "expect_column_values_to_be_between", "temp")["min_value"] < -10


def test_score_lies_between_0_and_1(checks):
    assert arguments(checks, "expect_column_values_to_be_between", "score") == {"min_value": 0, "max_value": 1}


def test_categories_are_those_of_the_reference(checks):
    origin = arguments(checks, "expect_column_values_to_be_in_set", "origin")

    assert (sorted(origin["value_set"]), origin["mostly"]) == (["EWR", "JFK", "LGA"], 0.98)


def test_a_new_version_is_no_fault_of_the_data(checks):
    assert [check for check in checks if check.column == "version"] == []


def test_rows_lie_between_margins_of_the_days(checks):
    assert arguments(checks, "expect_table_row_count_to_be_between") == {"min_value": 100, "max_value": 420}


def test_rows_are_not_evaluated_from_fewer_than_three_days(schema, days, spec):
    checks = infer_checks(schema, days[0], days[:2], spec)

    assert not [check for check in checks if check.expectation.startswith("expect_table_row_count")]


def test_personal_columns_are_not_checked(checks):
    assert "mail" not in {check.column for check in checks}


def test_each_day_of_the_reference_passes_what_is_inferred_from_it(checks, tables, spec):
    outcomes = validate(tables[4].to_pandas(), checks, spec)

    assert {outcome.passed for outcome in outcomes} == {True}


def test_another_kind_of_data_fails(checks, tables, spec):
    frame = tables[0].to_pandas().assign(wind=1_000.0, origin="XXX", score=7.0)
    frame.loc[1, "id"] = frame.loc[0, "id"]

    failed = {outcome.column for outcome in validate(frame, checks, spec) if outcome.passed is False}

    assert failed == {"id", "wind", "origin", "score"}


def outcomes_of(frame, checks, spec):
    return [allow_for_chance(*pair) for pair in zip(checks, validate(frame, checks, spec), strict=True)]


def test_shares_of_few_rows_fail_no_check_by_chance(schema, days, spec, tables):
    """A column of which 5 % are empty is empty on 8 % of one day of 50 rows in four."""
    frame = tables[0].to_pandas()
    random = np.random.default_rng(1)
    frame["wind"] = frame["wind"].mask(random.random(len(frame)) < 0.05)
    table = pa.Table.from_pandas(frame, schema=tables[0].schema, preserve_index=False)
    checks = infer_checks(schema, profile_table(table, schema), [], spec)
    drawn = [frame.sample(50, random_state=seed) for seed in range(20)]

    before = [outcome for day in drawn for outcome in validate(day, checks, spec) if outcome.passed is False]
    after = [outcome for day in drawn for outcome in outcomes_of(day, checks, spec) if outcome.passed is False]
    assert {outcome.column for outcome in before} >= {"wind"}
    assert after == []


def test_what_chance_explains_is_said_beside_the_count(checks, tables, spec):
    frame = tables[0].to_pandas().head(50).copy()
    frame.loc[:2, "origin"] = "XXX"

    (found,) = [outcome for outcome in outcomes_of(frame, checks, spec) if outcome.unexpected]
    assert (found.column, found.passed, found.unexpected) == ("origin", True, 3)
    assert found.observed == "3 of 50 unexpected: not significant for so few rows"


def test_shares_beyond_chance_fail_however_few_the_rows(checks, tables, spec):
    frame = tables[0].to_pandas().head(50).copy()
    frame.loc[:14, "origin"] = "XXX"

    failed = {outcome.column for outcome in outcomes_of(frame, checks, spec) if outcome.passed is False}
    # and there are too few rows
    assert failed == {"origin", None}
