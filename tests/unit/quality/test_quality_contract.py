"""Import of a data contract: each part as the check that says the same, or named with its line and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.quality.contract import API_VERSIONS, fit_to_spec, read_contract
from airflow_mlmon.quality.great_expectations import check_arguments
from airflow_mlmon.spec.choices import Severity
from tests.support.plain_checks import run_plainly

TEXT = (Path(__file__).parents[2] / "support" / "contracts" / "deliveries.odcs.yaml").read_text()
SPEC = """\
model: arrivals
start: 2026-03-01
predictions:
  path: /archive/dt={date}/
  columns:
    prediction: {type: string, role: id}
    at: {type: timestamp, role: time}
    parcel: {type: string, personal: hash}
    weight_kg: {type: float}
    service: {type: category}
    depot: {type: category, personal: drop}
    asked_hour: {type: integer}
    score: {type: float, role: score}
reference:
  path: /archive/reference/
"""


def contract(rules: str = "", options: str = "", *, version: str = "v3.1.0", of_table: str = "") -> str:
    return (
        f"apiVersion: {version}\nkind: DataContract\nid: x\nversion: 1.0.0\nschema:\n  - name: t\n{of_table}"
        f"    properties:\n      - name: c\n        logicalType: number\n{options}"
        + (f"        quality:\n{rules}" if rules else "")
    )


def read(text: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    found = read_contract(text, "c.yaml")
    return [
        (one.check.expectation.removeprefix("expect_"), one.check.column, one.check.arguments) for one in found.carried
    ]


def reasons(text: str) -> list[str]:
    return [one.reason for one in read_contract(text, "c.yaml").left_out]


def test_every_part_is_carried_or_named_with_its_line():
    found = read_contract(TEXT, "deliveries.odcs.yaml", "arrivals")

    assert [(one.line, one.check.expectation, one.check.column, one.check.arguments) for one in found.carried] == [
        (30, "expect_table_row_count_to_be_between", None, {"min_value": 100, "max_value": 49_999}),
        (33, "expect_compound_columns_to_be_unique", None, {"column_list": ["parcel", "asked_hour"]}),
        (52, "expect_column_values_to_be_unique", "prediction", {}),
        (53, "expect_column_values_to_not_be_null", "prediction", {}),
        (54, "expect_column_value_lengths_to_be_between", "prediction", {"min_value": 8, "max_value": 36}),
        (60, "expect_column_values_to_not_be_null", "parcel", {}),
        (62, "expect_column_values_to_match_regex", "parcel", {"regex": "^[A-Z]{2}\\d{6}$"}),
        (
            65,
            "expect_column_values_to_be_between",
            "weight_kg",
            {"min_value": 0, "strict_min": True, "max_value": 31.5},
        ),
        (70, "expect_column_values_to_not_be_null", "weight_kg", {"mostly": 0.98}),
        (
            79,
            "expect_column_values_to_be_in_set",
            "service",
            {"value_set": ["standard", "express", "same_day"]},
        ),
        (84, "expect_column_values_to_not_be_null", "service", {}),
        (88, "expect_column_values_to_not_be_null", "depot", {}),
        (88, "expect_column_values_to_not_be_in_set", "depot", {"value_set": ["", "N/A"]}),
        (94, "expect_column_values_to_be_in_set", "asked_hour", {"value_set": [6, 18]}),
    ]
    assert [(one.line, one.where, one.reason) for one in found.left_out] == [
        (38, "the table: arrivals follow departures", "it is a query"),
        (42, "the table: custom", "it is for soda"),
        (47, "the table: text", "it is words"),
        (57, "prediction: format", "no check says this"),
        (68, "weight_kg: multipleOf", "no check says this"),
        (73, "weight_kg: nullValues", "it allows a number of rows; a check allows a share, so give `unit: percent`"),
        (102, "arrived: minimum", "bounds of a timestamp have no check"),
        (104, "address", "it is nested; a check reads a plain column"),
    ]
    assert [one.check.column for one in found.carried if one.check.severity is Severity.RECORDED] == ["service"]


def test_checks_find_what_the_contract_forbids():
    found = read_contract(TEXT, "deliveries.odcs.yaml", "arrivals")
    sound = {
        "prediction": [f"prediction-{n:03}" for n in range(100)],
        "parcel": [f"DE{n:06}" for n in range(100)],
        "weight_kg": [0.5] * 98 + [31.5, None],
        "service": ["express"] * 100,
        "depot": ["HAM"] * 100,
        "asked_hour": [6] * 100,
    }
    broken = {
        "prediction": ["short"] * 99,
        "parcel": ["DE1"] * 99,
        "weight_kg": [0.0] + [None] * 98,
        "service": ["slow"] * 98 + [None],
        "depot": ["N/A"] * 98 + [None],
        "asked_hour": [7] * 99,
    }
    checks = [one.check for one in found.carried]
    check_arguments(checks)

    assert [passed for passed, *_ in run_plainly(pd.DataFrame(sound), checks)] == [True] * len(checks)
    passed = {
        (check.expectation, check.column): passed
        for check, (passed, *_) in zip(checks, run_plainly(pd.DataFrame(broken), checks), strict=True)
    }
    whole = {("expect_column_values_to_not_be_null", "prediction"), ("expect_column_values_to_not_be_null", "parcel")}
    assert {key for key, is_passed in passed.items() if is_passed} == whole


def test_checks_fit_the_columns_of_a_spec_or_are_named():
    found = fit_to_spec(read_contract(TEXT, "c.yaml", "arrivals"), parse_spec(SPEC, "s.yaml"))

    columns = [one.check.column for one in found.carried if one.check.column]
    assert set(columns) == {"prediction", "parcel", "weight_kg", "service", "asked_hour"}
    said = {one.reason for one in found.left_out if one.where.startswith("expect_")}
    assert said == {"'depot' is personal and dropped", "'parcel' is personal, and only a hash of its values is kept"}


def test_column_that_the_spec_lacks_is_named_with_the_nearest():
    text = contract("          - metric: nullValues\n            mustBe: 0\n").replace("name: c\n", "name: weight_k\n")
    found = fit_to_spec(read_contract(text, "c.yaml"), parse_spec(SPEC, "s.yaml"))
    assert [one.reason for one in found.left_out] == ["'weight_k' is no column of the spec; did you mean 'weight_kg'?"]


@pytest.mark.parametrize(
    ("operator", "bounds"),
    [
        ("mustBe: 5", {"min_value": 5, "max_value": 5}),
        ("mustBeGreaterThan: 5", {"min_value": 6}),
        ("mustBeGreaterOrEqualTo: 5", {"min_value": 5}),
        ("mustBeLessThan: 5", {"max_value": 4}),
        ("mustBeLessOrEqualTo: 5", {"max_value": 5}),
        ("mustBeBetween: [5, 9]", {"min_value": 6, "max_value": 8}),
    ],
)
def test_number_of_rows_is_bounded_as_the_operator_says(operator, bounds):
    text = contract(of_table=f"    quality:\n      - metric: rowCount\n        {operator}\n")
    assert read(text) == [("table_row_count_to_be_between", None, bounds)]


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        ("rule: nullCheck", ("column_values_to_not_be_null", "c", {})),
        ("rule: uniqueCheck", ("column_values_to_be_unique", "c", {})),
        ("rule: duplicateCount\n            mustBeLessThan: 1", ("column_values_to_be_unique", "c", {})),
        (
            "rule: validValues\n            validValues: [1, 2]",
            ("column_values_to_be_in_set", "c", {"value_set": [1, 2]}),
        ),
    ],
)
def test_rules_of_the_first_versions_are_read(rule, check):
    assert read(contract(f"          - {rule}\n", version="v3.0.2")) == [check]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("metric: nullValues\n            mustNotBe: 0", "no check says mustNotBe"),
        ("metric: nullValues", "it has no operator, such as mustBe"),
        ("metric: nullValues\n            mustBe: none", "an operator needs a number"),
        ("metric: freshness\n            mustBe: 0", "the metric 'freshness' is unknown"),
        ("metric: rowCount\n            mustBe: 5", "rows are counted of a whole table"),
        ("metric: invalidValues\n            mustBe: 0", "it names neither validValues nor a pattern"),
        (
            "metric: duplicateValues\n            mustBeLessThan: 1\n            unit: percent",
            "duplicates are allowed, and no check counts them so; only mustBe: 0 is carried",
        ),
        (
            'metric: invalidValues\n            pattern: "(?<a"\n            mustBe: 0',
            "its pattern is none of Python: unknown extension ?<a at position 1",
        ),
        ("type: magic", "the type 'magic' is unknown"),
    ],
)
def test_rule_that_no_check_says_is_named(rule, reason):
    text = contract(f"          - {rule}\n")
    assert (read(text), reasons(text)) == ([], [reason])


@pytest.mark.parametrize("version", API_VERSIONS)
def test_known_versions_are_read(version):
    assert read(contract(version=version, options="        required: true\n"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("v3.1.0", "v2.2.2", r"c.yaml:1: apiVersion: 'v2.2.2' is unknown\. Hint: known are v3.0.0, "),
        ("v3.1.0", "v4.0.0", "apiVersion: 'v4.0.0' is unknown"),
        ("DataContract", "DataProduct", "c.yaml:2: kind: is 'DataProduct', expected 'DataContract'"),
        ("name: t\n", "name: t\n  - name: u\n", r"c.yaml:5: schema: has 2 tables: t, u\. Hint: name the one"),
        ("schema:", "schemas:", "schema: names no table"),
    ],
)
def test_what_is_no_contract_of_a_known_version_is_refused(old, new, said):
    with pytest.raises(ConfigError, match=said):
        read_contract(contract().replace(old, new), "c.yaml")
