"""Each expectation of Great Expectations has the outcome that it has on a frame of all rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.quality.frame import to_frame
from airflow_mlmon.quality.great_expectations import known_expectations, validate
from airflow_mlmon.quality.known import Known
from airflow_mlmon.spec.quality import Check
from tests.support.plain_checks import Plain, is_core, run_plainly
from tests.support.table_rows import TableRows

# of numbers that have no deviation, and of the older way to state a condition
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:.*row-? ?conditions?:DeprecationWarning"),
]

ROWS = 40
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPEC = parse_spec(
    """
model: checked
start: 2026-03-01
reference: {path: "file:///reference"}
predictions:
  path: "file:///archive/{date}"
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    x: {type: float}
    y: {type: float}
    n: {type: integer}
    m: {type: integer}
    big: {type: integer}
    price: {type: decimal}
    flag: {type: boolean}
    carrier: {type: category}
    origin: {type: category}
    note: {type: string}
    empty: {type: float}
""",
    "checked.yaml",
)


def holes(values: list[Any], *places: int) -> list[Any]:
    return [None if place in places else value for place, value in enumerate(values)]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    numbers = np.random.default_rng(7).normal(10, 3, ROWS).round(3).tolist()
    numbers[10:16] = [numbers[20], numbers[20], 0.0, -0.0, 1.5, 2.5]
    carriers = ["UA", "AA", "DL", "UA"] * (ROWS // 4)
    return pa.table(
        {
            "id": [f"r{row}" for row in range(ROWS)],
            "at": pa.array(
                holes([NOON + timedelta(minutes=row) for row in range(ROWS)], 3), pa.timestamp("us", tz="UTC")
            ),
            "x": pa.array(holes([float("nan"), float("inf"), *numbers[2:]], 5, 30), pa.float64()),
            "y": pa.array(numbers, pa.float64()),
            "n": pa.array(range(ROWS), pa.int64()),
            "m": pa.array(holes(list(range(ROWS)), 0, 8), pa.int64()),
            "big": pa.array(holes([2**60 + row for row in range(ROWS)], 1), pa.int64()),
            "price": pa.array(holes([Decimal(row) / 10 for row in range(ROWS)], 2), pa.decimal128(5, 1)),
            "flag": pa.array(holes([row % 3 == 0 for row in range(ROWS)], 4)),
            "carrier": pa.array(holes(carriers, 6)),
            "origin": ["EWR", "JFK"] * (ROWS // 2),
            "note": pa.array(holes([f'{{"row": {row}}}' if row % 9 else f"note {row}" for row in range(ROWS)], 7)),
            "empty": pa.array([None] * ROWS, pa.float64()),
        }
    )


def check(expectation: str, column: str | None = None, **arguments: Any) -> Check:
    return Check(expectation=expectation, column=column, arguments=arguments)


VALUES = "expect_column_values_to_"
COLUMNS = ("at", "x", "y", "n", "m", "big", "price", "flag", "carrier", "empty")
RANGES: list[dict[str, Any]] = [
    {"min_value": 5, "max_value": 12, "mostly": 0.5},
    {"min_value": 5.5},
    {"min_value": 0, "max_value": 39},
    {"min_value": 0, "max_value": 39, "strict_min": True, "strict_max": True},
    {"min_value": 2**60, "max_value": 2**60 + 20},
    {"min_value": "2026-03-02", "max_value": "2026-03-03"},
    {"min_value": float("-inf"), "max_value": float("inf")},
]
SETS: list[list[Any]] = [["UA", "AA"], ["UA", "AA", "DL", "B6"], ["UA", None], [], [1, 2, 3.0, 0.3], [True]]
OF_VALUES: list[tuple[str, dict[str, Any]]] = [
    ("be_of_type", {"type_": "float"}),
    ("be_of_type", {"type_": "int64"}),
    ("be_of_type", {"type_": "str"}),
    ("be_of_type", {"type_": "nothing"}),
    ("be_in_type_list", {"type_list": ["int", "bool"]}),
    ("match_regex", {"regex": "^[A-C]"}),
    ("not_match_regex", {"regex": "5"}),
    ("match_regex_list", {"regex_list": ["^U", "^D"]}),
    ("not_match_regex_list", {"regex_list": ["^U", "9"]}),
    ("match_like_pattern", {"like_pattern": "%A"}),
    ("not_match_like_pattern", {"like_pattern": "%A"}),
    ("match_like_pattern_list", {"like_pattern_list": ["%A"]}),
    ("not_match_like_pattern_list", {"like_pattern_list": ["%A"]}),
    ("match_strftime_format", {"strftime_format": "%Y-%m-%d"}),
    ("match_json_schema", {"json_schema": {"type": "object"}}),
    ("be_json_parseable", {"mostly": 0.5}),
    ("be_dateutil_parseable", {"mostly": 0.5}),
    ("not_be_outliers", {"method": "iqr"}),
    ("be_unique", {}),
    ("be_increasing", {"strictly": True}),
    ("be_decreasing", {"mostly": 0.1}),
]
OF_COLUMNS: list[tuple[str, dict[str, Any]]] = [
    *(
        (f"{measure}_to_be_between", {"min_value": 5, "max_value": 12, "strict_min": True})
        for measure in ("min", "max", "mean", "median", "stdev", "sum")
    ),
    ("max_to_be_between", {"max_value": "2026-03-03"}),
    ("value_lengths_to_be_between", {"min_value": 1, "max_value": 2}),
    ("value_lengths_to_equal", {"value": 2}),
    ("value_z_scores_to_be_less_than", {"threshold": 1.5, "double_sided": True}),
    ("unique_value_count_to_be_between", {"min_value": 1, "max_value": 10}),
    ("proportion_of_unique_values_to_be_between", {"min_value": 0.1, "max_value": 0.5}),
    ("proportion_of_non_null_values_to_be_between", {"min_value": 0.96}),
    ("most_common_value_to_be_in_set", {"value_set": ["UA"]}),
    ("distinct_values_to_be_in_set", {"value_set": ["UA", "AA", "DL"]}),
    ("distinct_values_to_contain_set", {"value_set": ["UA", "AA"]}),
    ("distinct_values_to_equal_set", {"value_set": ["UA", "AA", "DL"]}),
    (
        "quantile_values_to_be_between",
        {"quantile_ranges": {"quantiles": [0.1, 0.5], "value_ranges": [[0, 20], [5, None]]}},
    ),
    (
        "kl_divergence_to_be_less_than",
        {"partition_object": {"values": ["UA", "AA", "DL"], "weights": [0.5, 0.25, 0.25]}, "threshold": 0.1},
    ),
    ("type_to_be", {"type_": "float64"}),
    ("to_exist", {"column_index": 3}),
]
OF_PAIRS: list[tuple[str, dict[str, Any]]] = [
    ("equal", {}),
    ("equal", {"ignore_row_if": "either_value_is_missing"}),
    ("in_set", {"value_pairs_set": [["UA", "EWR"], ["AA", "JFK"]]}),
]
OF_LISTS: list[tuple[str, dict[str, Any]]] = [
    ("expect_compound_columns_to_be_unique", {"ignore_row_if": "any_value_is_missing"}),
    ("expect_select_column_values_to_be_unique_within_record", {"mostly": 0.8}),
    ("expect_multicolumn_sum_to_equal", {"sum_total": 30}),
    ("expect_multicolumn_values_to_be_equal", {"mostly": 0.1}),
]
OF_ROWS: list[tuple[str, dict[str, Any]]] = [
    ("not_be_null", {}),
    ("be_between", {"min_value": 5}),
    ("be_in_set", {"value_set": [1.0]}),
]
ABOVE = {"type": "comparison", "column": {"name": "n"}, "operator": ">", "parameter": 20}
OF_TABLES = [
    check("expect_table_row_count_to_be_between", min_value=1, max_value=ROWS, strict_max=True),
    check("expect_table_row_count_to_equal", value=ROWS),
    check(
        "expect_table_row_count_to_equal",
        value=19,
        row_condition='col("n") > 20',
        condition_parser="great_expectations",
    ),
    check("expect_table_column_count_to_equal", value=13),
    check("expect_table_column_count_to_be_between", min_value=15),
    check("expect_table_columns_to_match_set", column_set=["id", "x"], exact_match=False),
    check("expect_table_columns_to_match_set", column_set=["id", "x"]),
    check("expect_table_columns_to_match_ordered_list", column_list=["id", "at"]),
    check("expect_table_row_count_to_equal_other_table", other_table_name="other"),
    check(
        "expect_query_results_to_match_comparison",
        base_query="a",
        comparison_query="b",
        comparison_data_source_name="c",
    ),
]
CHECKS = [
    *(
        check(f"{VALUES}{kind}", column, mostly=mostly)
        for kind in ("not_be_null", "be_null")
        for column in COLUMNS
        for mostly in (1, 0.9)
    ),
    *(check(f"{VALUES}be_unique", column, mostly=0.9) for column in COLUMNS),
    *(check(f"{VALUES}be_between", column, **bounds) for column in COLUMNS for bounds in RANGES),
    *(
        check(f"{VALUES}{kind}", column, value_set=values)
        for kind in ("be_in_set", "not_be_in_set")
        for column in ("x", "m", "price", "flag", "carrier", "at")
        for values in SETS
    ),
    *(check(f"{VALUES}{kind}", column, **given) for column in ("m", "flag", "note") for kind, given in OF_VALUES),
    *(
        check(f"expect_column_{kind}", column, **given)
        for column in ("x", "y", "price", "carrier")
        for kind, given in OF_COLUMNS
    ),
    check("expect_column_max_to_be_between", "at", max_value="2026-03-03"),
    *(
        check(f"expect_column_pair_values_to_be_{kind}", column_A=left, column_B=right, **given)
        for left, right in (("n", "m"), ("carrier", "origin"))
        for kind, given in OF_PAIRS
    ),
    check("expect_column_pair_values_a_to_be_greater_than_b", column_A="y", column_B="x", or_equal=True, mostly=0.4),
    *(
        check(expectation, column_list=columns, **given)
        for columns in (["n", "m", "y"], ["carrier", "origin"])
        for expectation, given in OF_LISTS
    ),
    *(
        check(f"{VALUES}{kind}", "x", **given, row_condition=condition, condition_parser="pandas")
        for condition in ("n > 20", "carrier == 'UA'", "index > 20", "absent > 2")
        for kind, given in OF_ROWS
    ),
    *(check(f"{VALUES}{kind}", "x", **given, row_condition=ABOVE) for kind, given in OF_ROWS),
    *OF_TABLES,
]


@pytest.fixture(scope="module")
def plain(table: pa.Table) -> list[Plain]:
    return run_plainly(to_frame(table), CHECKS)


def known_of(table: pa.Table) -> Known:
    return Known(SPEC, profile_table(table, pin_schema(SPEC, table)), ids="id")


def test_each_expectation_is_compared():
    assert {check.expectation for check in CHECKS} == set(filter(is_core, known_expectations()))


@pytest.mark.parametrize(("known", "size"), [(lambda _: Known(SPEC), 15), (known_of, ROWS)], ids=["counted", "known"])
def test_outcomes_are_those_on_a_frame_of_all_rows(table, plain, known, size):
    outcomes = validate(TableRows(table), CHECKS, known(table), size=size)

    found = [(outcome.passed, outcome.unexpected, outcome.observed) for outcome in outcomes]
    assert [entry for entry in zip(CHECKS, found, plain, strict=True) if entry[1] != entry[2]] == []
    assert 0 < sum(outcome.passed is None for outcome in outcomes) < len(CHECKS) / 4
