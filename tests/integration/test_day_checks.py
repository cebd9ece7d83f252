"""Checks of a day in the workspace: with its profile or without, of one file or of several."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.validate import read_checks, validate_partition
from airflow_mlmon.pipeline.workspace.curated import OpenedRows
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.known import Known
from airflow_mlmon.spec.quality import Check
from tests.support.archive import FIRST
from tests.support.runs import local_archive, opened
from tests.support.table_rows import TableRows

DAY = Partition.of_day("loans", FIRST)
VALUES = "expect_column_values_to"
RULES = f"""\
quality:
  - {{expectation: {VALUES}_be_unique, column: id}}
  - {{expectation: {VALUES}_be_unique, column: amount}}
  - {{expectation: {VALUES}_not_be_null, column: amount}}
  - {{expectation: {VALUES}_be_between, column: score, arguments: {{min_value: 0, max_value: 1}}}}
  - {{expectation: {VALUES}_be_between, column: term, arguments: {{min_value: 20}}}}
  - {{expectation: {VALUES}_be_in_set, column: channel, arguments: {{value_set: [web, phone]}}}}
  - {{expectation: {VALUES}_match_regex, column: channel, arguments: {{regex: "^[a-p]"}}}}
  - {{expectation: expect_column_mean_to_be_between, column: score, arguments: {{max_value: 0.9}}}}
  - {{expectation: expect_table_row_count_to_be_between, arguments: {{min_value: 1}}}}
reference:
"""

COLUMNS = ("id", "price", "seats", "flag", "note")
CHECKS = [
    *(
        Check(expectation=f"{VALUES}_{kind}", column=column, arguments=given)
        for column in COLUMNS
        for kind, given in (
            ("not_be_null", {}),
            ("be_unique", {}),
            ("be_in_set", {"value_set": [1, 3, "one"]}),
            ("be_in_set", {"value_set": ["one", "a3"]}),
            ("be_of_type", {"type_": "float64"}),
            ("match_regex", {"regex": "1"}),
            ("be_in_type_list", {"type_list": ["bool"]}),
        )
    ),
    *(
        Check(expectation=f"{VALUES}_be_between", column=column, arguments={"min_value": 1, "max_value": 9})
        for column in ("price", "seats", "flag")
    ),
    Check(expectation="expect_column_pair_values_to_be_equal", arguments={"column_A": "price", "column_B": "seats"}),
]


def test_outcomes_are_the_same_with_the_profile_of_a_day_and_without(tmp_path):
    archive = local_archive(tmp_path, 1)
    with opened(tmp_path, archive, ("reference:\n", RULES)) as run:
        ensure_reference(run)
        prepared = prepare_partition(run, DAY)
        with_profile = validate_partition(run, prepared)
        assert read_checks(run, prepared) == with_profile
        [profile] = Path(run.version_uri(DAY, prepared.version, "manifest.json")).parent.glob("*.profile")
        profile.unlink()
        without = validate_partition(run, prepared)

    assert with_profile == without
    assert [outcome.passed for outcome in without] == [True, True, False, True, False, False, False, True, True]


def test_rows_of_several_files_are_checked_as_one_table(tmp_path):
    """The files of a version may have decimals of their own width, and one may lack a column that is not monitored."""
    first = pa.table(
        {
            "id": [f"a{row}" for row in range(10)],
            "price": pa.array([Decimal(row) for row in range(10)], pa.decimal128(1, 0)),
            "seats": pa.array(range(10), pa.int64()),
            "flag": [True] * 10,
        }
    )
    second = pa.table(
        {
            "id": ["b0", None, "a3"],
            "price": pa.array([Decimal("10.25"), None, Decimal(3)], pa.decimal128(4, 2)),
            "note": ["one", None, "three"],
        }
    )
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for path, part in zip(paths, (first, second), strict=True):
        pq.write_table(part, path, write_page_checksum=True)
    whole = TableRows(pa.concat_tables([first, second], promote_options="permissive"))
    spec = parse_spec(local_archive(tmp_path, 1).spec_text(), "loans.yaml")

    found = validate(OpenedRows(paths), CHECKS, Known(spec), size=4)

    assert found == validate(whole, CHECKS, Known(spec))
    assert None not in {outcome.passed for outcome in found}
