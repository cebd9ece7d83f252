from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.new_values import measure_novelty
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.infer import Inferred, infer_checks, measured_by
from airflow_mlmon.quality.known import Known
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from tests.support.table_rows import TableRows

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
DAYS, EMPTY = 7, (0, 12, 4, 8, 16, 4, 8)


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
    return [draw_day(seed, rows=200 + 20 * seed, empty=EMPTY[seed]) for seed in range(DAYS)]


@pytest.fixture(scope="module")
def schema(spec, tables) -> ProfileSchema:
    return pin_schema(spec, pa.concat_tables(tables))


@pytest.fixture(scope="module")
def inferred(schema, tables, spec) -> Inferred:
    return infer(schema, tables, spec)


@pytest.fixture(scope="module")
def checks(inferred) -> tuple[Check, ...]:
    return inferred.checks


def infer(schema, tables, spec) -> Inferred:
    days = [profile_table(table, schema) for table in tables]
    rows = pa.concat_tables(tables)
    novelty = measure_novelty(schema, rows, rows.column("at").cast(pa.date32()))
    why_open = {name: found.why_open for name, found in novelty.items()}
    return infer_checks(schema, sum_profiles(schema, days), days, spec, why_open)


def infer_of(spec, tables) -> Inferred:
    schema = pin_schema(spec, pa.concat_tables(tables))
    return infer(schema, tables, spec)


def arguments(checks, expectation, column=None):
    (found,) = [check for check in checks if (check.expectation, check.column) == (expectation, column)]
    return found.arguments


def test_an_inferred_check_neither_blocks_nor_warns(checks):
    assert {check.severity for check in checks} == {Severity.RECORDED}
    assert [check.expectation for check in checks if check.column == "id"] == [
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_unique",
    ]


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

    assert {name: sorted(values) for name, values in origin.items()} == {"value_set": ["EWR", "JFK", "LGA"]}


def test_a_new_version_is_no_fault_of_the_data(checks):
    assert [check for check in checks if check.column == "version"] == []


def test_growth_leaves_no_window_of_rows(checks):
    assert not [check for check in checks if check.expectation.startswith("expect_table_row_count")]


def test_few_tables_show_no_null_rate_no_range_and_no_vocabulary(schema, tables, spec):
    inferred = infer(schema, tables[:2], spec)

    assert {(check.expectation, check.column) for check in inferred.checks} == {
        ("expect_column_values_to_not_be_null", "id"),
        ("expect_column_values_to_be_unique", "id"),
        ("expect_column_values_to_not_be_null", "at"),
        ("expect_column_values_to_not_be_null", "seats"),
        ("expect_column_values_to_be_between", "score"),
    }
    assert inferred.withheld["wind"] == (
        "may be null: the reference has 2 days, fewer than 3; no range: the reference has 2 days, fewer than 3"
    )
    assert inferred.withheld["seats"] == "no range: the reference has 2 days, fewer than 3"
    assert inferred.withheld["origin"].endswith("no set of values: its values are known of 2 days, fewer than 7")


def test_each_column_without_a_check_has_a_reason(inferred, spec):
    assert set(inferred.withheld) == {"version", "mail"}
    assert inferred.withheld["mail"] == "personal"
    assert set(spec.columns) == set(inferred.withheld) | {check.column for check in inferred.checks}


def changed(tables, name, values) -> list[pa.Table]:
    """The days with other values of a column, by day and rows."""
    return [
        table.set_column(table.column_names.index(name), name, pa.array(values(day, table.num_rows)))
        for day, table in enumerate(tables)
    ]


def test_a_range_that_later_days_leave_is_not_inferred(spec, tables):
    inferred = infer_of(spec, changed(tables, "wind", lambda day, rows: [100.0 * day + row for row in range(rows)]))

    assert ("expect_column_values_to_be_between", "wind") not in {
        (check.expectation, check.column) for check in inferred.checks
    }
    assert inferred.withheld["wind"] == "no range: it leaves that of earlier days on 3 of 3 days"


def test_a_null_rate_that_grows_is_not_inferred(spec, tables):
    inferred = infer_of(
        spec, changed(tables, "wind", lambda day, rows: [None if row % 10 < day else 1.0 for row in range(rows)])
    )

    assert inferred.withheld["wind"] == "may be null: its null rate is above that of earlier days on 3 of 3 days"


def test_an_open_vocabulary_has_no_set(spec, tables):
    inferred = infer_of(
        spec, changed(tables, "origin", lambda day, rows: [f"town {day * 9 + row % 12}" for row in range(rows)])
    )

    assert inferred.withheld["origin"] == "no set of values: open vocabulary: 48 of 66 values occur on one day alone"


def test_each_check_names_the_metric_that_measures_the_same(checks):
    found = {(check.expectation, check.column): measured_by(check) for check in checks}

    assert found["expect_column_values_to_not_be_null", "wind"] == ("null_rate", "wind")
    assert found["expect_column_values_to_be_in_set", "origin"] == ("new_category_rate", "origin")
    assert found["expect_column_values_to_be_between", "seats"] == ("out_of_range_rate", "seats")
    assert found["expect_column_values_to_be_unique", "id"] is None
    assert measured_by(Check(expectation="expect_table_row_count_to_be_between")) == ("rows", None)


def test_personal_columns_are_not_checked(checks):
    assert "mail" not in {check.column for check in checks}


def test_each_day_of_the_reference_passes_what_is_inferred_from_it(checks, tables, spec):
    outcomes = validate(TableRows(tables[4]), checks, Known(spec))

    assert {outcome.passed for outcome in outcomes} == {True}


def test_another_kind_of_data_fails(checks, tables, spec):
    frame = tables[0].to_pandas().assign(wind=1_000.0, origin="XXX", score=7.0)
    frame.loc[1, "id"] = frame.loc[0, "id"]

    failed = {
        outcome.column for outcome in validate(TableRows.of(frame), checks, Known(spec)) if outcome.passed is False
    }

    assert failed == {"id", "wind", "origin", "score"}
