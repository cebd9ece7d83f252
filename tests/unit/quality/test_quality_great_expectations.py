from __future__ import annotations

import logging
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.quality.frame import to_frame
from airflow_mlmon.quality.great_expectations import check_arguments, known_expectations, validate
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
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    wind: {type: float}
    carrier: {type: category}
    mail: {type: string, personal: hash}
    name: {type: string, personal: drop}
    age: {type: integer, personal: hash}
"""
PRIVATE = "alice@example.org"


@pytest.fixture
def spec() -> ModelSpec:
    return parse_spec(SPEC, "flights.yaml")


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = 20
    return pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(rows)],
            "at": pd.Timestamp("2013-03-01", tz="UTC"),
            "wind": [np.nan, 250.0, *np.linspace(0, 40, rows - 2)],
            "carrier": ["UA", "AA", PRIVATE, *["UA"] * (rows - 3)],
            "mail": [PRIVATE] * rows,
            "age": [4711] * rows,
        }
    )


def one(frame, spec, expectation, column=None, **arguments):
    check = Check(expectation=expectation, column=column, arguments=arguments)
    held = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    (outcome,) = validate(TableRows(held), [check], Known(spec))
    return outcome


def test_validate_counts_unexpected_rows_without_their_values(frame, spec):
    outcome = one(frame, spec, "expect_column_values_to_be_in_set", "carrier", value_set=["UA", "AA"])

    assert (outcome.passed, outcome.unexpected, outcome.rows) == (False, 1, 20)
    assert outcome.observed == "1 of 20 unexpected"
    assert outcome.expected == "one of 2 values"
    assert PRIVATE not in repr(outcome)


def test_validate_says_how_many_values_are_empty(frame, spec):
    outcome = one(frame, spec, "expect_column_values_to_be_between", "wind", min_value=0, max_value=100, mostly=0.9)

    assert outcome.passed is True
    assert outcome.observed == "1 of 20 unexpected, 1 null"
    assert outcome.expected == "between 0 and 100, in at least 90 % of rows"


def test_validate_shows_numeric_aggregates(frame, spec):
    outcome = one(frame, spec, "expect_column_max_to_be_between", "wind", max_value=100)

    assert (outcome.passed, outcome.observed) == (False, "250")


@pytest.mark.guards("attack-personal")
@pytest.mark.parametrize(
    ("expectation", "column", "arguments"),
    [
        pytest.param("expect_column_values_to_be_unique", "mail", {}, id="values-of-rows"),
        pytest.param("expect_column_max_to_be_between", "age", {"max_value": 9}, id="aggregate"),
        pytest.param("expect_column_most_common_value_to_be_in_set", "mail", {"value_set": ["x"]}, id="common-value"),
        pytest.param("expect_column_distinct_values_to_be_in_set", "mail", {"value_set": ["x"]}, id="distinct"),
        pytest.param("expect_compound_columns_to_be_unique", None, {"column_list": ["mail", "age"]}, id="compound"),
    ],
)
def test_validate_keeps_only_passed_or_failed_of_personal_columns(frame, spec, expectation, column, arguments):
    outcome = one(frame, spec, expectation, column, **arguments)

    assert outcome.passed is False
    assert (outcome.observed, outcome.unexpected) == ("", None)
    assert PRIVATE not in repr(outcome)
    assert "4711" not in repr(outcome)


def test_validate_hides_observed_text_of_open_columns(frame, spec):
    frame["carrier"] = PRIVATE

    outcome = one(frame, spec, "expect_column_most_common_value_to_be_in_set", "carrier", value_set=["UA"])

    assert outcome.passed is False
    assert PRIVATE not in repr(outcome)


def test_validate_goes_on_when_one_check_cannot_be_computed(frame, spec):
    checks = [
        Check(expectation="expect_column_values_to_be_between", column="carrier", arguments={"min_value": 1}),
        Check(expectation="expect_column_values_to_match_regex", column="carrier", arguments={"regex": "("}),
        Check(expectation="expect_column_values_to_be_unique", column="id", severity=Severity.BLOCKING),
    ]

    first, second, third = validate(TableRows.of(frame), checks, Known(spec))

    assert [first.passed, second.passed, third.passed] == [None, None, True]
    assert first.error == "could not be computed (TypeError); check that the expectation suits the type of the column"
    assert PRIVATE not in repr(first)
    assert second.error.startswith("could not be computed (")
    assert third.severity is Severity.BLOCKING


def test_validate_keeps_order_and_repeats_of_checks(frame, spec):
    unique = Check(expectation="expect_column_values_to_be_unique", column="id")
    hashed = Check(expectation="expect_column_values_to_be_unique", column="mail")
    rows = Check(expectation="expect_table_row_count_to_be_between", arguments={"min_value": 1, "max_value": 9})

    outcomes = validate(TableRows.of(frame), [rows, unique, hashed, unique], Known(spec))

    assert [outcome.passed for outcome in outcomes] == [False, True, False, True]
    assert outcomes[0].observed == "20"


def test_validate_fails_a_check_of_a_missing_column(frame, spec):
    outcome = one(frame.drop(columns="wind"), spec, "expect_column_values_to_not_be_null", "wind")

    assert (outcome.passed, outcome.observed) == (False, "column 'wind' is missing")


def test_validate_knows_no_answer_for_a_dropped_column(frame, spec):
    outcome = one(frame, spec, "expect_column_values_to_not_be_null", "name")

    assert outcome.passed is None
    assert outcome.error == "column 'name' is personal and was dropped before the checks"


def test_validate_says_not_enough_data_when_there_are_no_rows(frame, spec):
    outcome = one(frame.iloc[:0], spec, "expect_column_values_to_be_unique", "id")

    assert (outcome.passed, outcome.error, outcome.rows) == (None, "not enough data", 0)


def test_validate_leaves_the_frame_as_it_is(frame, spec):
    before = frame.copy()

    one(frame, spec, "expect_column_values_to_be_unique", "id")

    pd.testing.assert_frame_equal(frame, before)


def test_check_arguments_names_the_nearest_expectation():
    check = Check(expectation="expect_column_values_to_be_uniqe", column="id")

    with pytest.raises(ConfigError) as caught:
        check_arguments([Check(expectation="expect_column_to_exist", column="id"), check])

    assert str(caught.value) == (
        "quality.1.expectation: unknown expectation 'expect_column_values_to_be_uniqe'; "
        "did you mean expect_column_values_to_be_unique?"
    )


def test_check_arguments_names_each_wrong_argument():
    checks = [
        Check(expectation="expect_column_values_to_be_between", column="wind", arguments={"min_valu": 1}),
        Check(expectation="expect_column_values_to_be_unique"),
        Check(expectation="expect_column_values_to_be_unique", column="id", arguments={"mostly": 4}),
    ]

    with pytest.raises(ConfigError) as caught:
        check_arguments(checks)

    lines = str(caught.value).splitlines()
    about = "expect_column_values_to_be_between of column 'wind'"
    assert lines[0] == f"quality.0.arguments.min_valu: {about}: extra fields not permitted; did you mean min_value?"
    assert lines[2] == "quality.1.arguments.column: expect_column_values_to_be_unique: field required"
    assert lines[3].startswith("quality.2.arguments.mostly: expect_column_values_to_be_unique of column 'id': ensure")


def test_known_expectations_are_those_of_great_expectations():
    known = known_expectations()

    assert "expect_column_values_to_be_between" in known
    assert list(known) == sorted(known)
    assert len(known) > 50


def test_import_and_validation_print_and_log_nothing(frame, spec, capfd, caplog):
    caplog.set_level(logging.INFO)

    one(frame, spec, "expect_column_values_to_be_unique", "id")

    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.timeout(120)
def test_import_of_the_door_logs_nothing():
    code = "import logging; logging.basicConfig(level=logging.INFO)\nimport airflow_mlmon.quality.great_expectations"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("", "")


def test_decimals_are_checked_by_the_bounds_of_a_spec(spec):
    table = pa.table({"wind": pa.array([Decimal("0.1"), Decimal("0.3"), None])})

    assert one(table, spec, "expect_column_values_to_be_between", "wind", min_value=0.1, max_value=0.3).passed
    assert one(table, spec, "expect_column_values_to_be_in_set", "wind", value_set=[0.1, 0.3]).passed
    assert one(table, spec, "expect_column_mean_to_be_between", "wind", min_value=0.2, max_value=0.2).passed
    assert to_frame(table)["wind"].dtype == "float64"


def test_integers_beyond_2_53_stay_apart_beside_a_null(spec):
    table = pa.table({"wind": [2**60, 2**60 + 1, None], "carrier": ["a", None, "b"]})

    assert one(table, spec, "expect_column_values_to_be_unique", "wind").passed
    assert not one(table, spec, "expect_column_values_to_be_between", "wind", max_value=2**60).passed
    assert one(table, spec, "expect_column_values_to_be_between", "wind", max_value=2**60).unexpected == 1
    assert list(to_frame(table).columns) == ["wind", "carrier"]


def test_check_on_a_vector_has_no_answer_and_says_why():
    spec = parse_spec(f"{SPEC}    embedding: {{type: vector, dimension: 2}}\n", "flights.yaml")
    table = pa.table({"wind": [1.0] * 9, "embedding": pa.array([[1.0, 2.0]] * 9)})

    outcome = one(table, spec, "expect_column_pair_values_to_be_equal", column_A="wind", column_B="embedding")

    assert outcome.passed is None
    assert outcome.error == "column 'embedding' is a vector; checks cannot read vectors"
