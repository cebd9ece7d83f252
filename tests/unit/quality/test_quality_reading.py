"""What checks read of a day: nothing of what is known, the columns of a check alone, and what a user's own needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.known import Known
from airflow_mlmon.spec.quality import Check
from tests.support.own_expectations import ROWS
from tests.support.table_rows import TableRows

SPEC = parse_spec(
    """
model: read
start: 2026-03-01
reference: {path: "file:///reference"}
predictions:
  path: "file:///archive/{date}"
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    x: {type: float}
    n: {type: integer}
    carrier: {type: category}
""",
    "read.yaml",
)


class Recorded(TableRows):
    """Rows that record what is read of them."""

    read: ClassVar[list[tuple[str, ...]]] = []

    def table(self, columns: Collection[str], where_there: Collection[str] = ()) -> pa.Table:
        held = super().table(columns, where_there)
        self.read.append(tuple(held.column_names))
        return held


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "id": [f"r{row}" for row in range(ROWS)],
            "at": pa.array(range(ROWS), pa.timestamp("us", tz="UTC")),
            "x": [None, *map(float, range(ROWS - 1))],
            "n": pa.array(range(ROWS), pa.int64()),
            "carrier": ["UA", "AA"] * (ROWS // 2),
        }
    )


@pytest.fixture
def rows(table) -> Recorded:
    Recorded.read.clear()
    return Recorded(table)


def check(expectation: str, column: str | None = None, **arguments: Any) -> Check:
    return Check(expectation=expectation, column=column, arguments=arguments)


def test_nothing_is_read_of_what_the_profile_and_the_curation_say(table, rows):
    known = Known(SPEC, profile_table(table, pin_schema(SPEC, table)), ids="id")
    checks = [
        check("expect_column_values_to_be_unique", "id"),
        check("expect_column_values_to_not_be_null", "id"),
        check("expect_column_values_to_not_be_null", "x", mostly=0.9),
        check("expect_column_values_to_be_between", "n", min_value=0, max_value=ROWS),
        check("expect_column_values_to_be_in_set", "carrier", value_set=["UA"]),
        check("expect_table_row_count_to_equal", value=ROWS),
    ]

    outcomes = validate(rows, checks, known)

    assert [outcome.passed for outcome in outcomes] == [True, True, True, True, False, True]
    assert [outcome.unexpected for outcome in outcomes] == [0, 0, 1, 0, ROWS // 2, None]
    assert rows.read == []


def test_a_check_reads_the_columns_that_it_names(rows):
    checks = [
        check("expect_column_values_to_be_between", "x", min_value=1, max_value=9),
        check("expect_column_values_to_match_regex", "carrier", regex="A", mostly=0.5),
        check(
            "expect_column_median_to_be_between",
            "n",
            min_value=1,
            row_condition={"type": "comparison", "column": {"name": "x"}, "operator": ">", "parameter": 5},
        ),
    ]

    outcomes = validate(rows, checks, Known(SPEC))

    assert [outcome.passed for outcome in outcomes] == [False, True, True]
    assert rows.read == [("x",), ("carrier",), ("x", "n")]


def test_batches_are_as_small_as_they_are_said_to_be(table):
    sizes: list[int] = []

    class Sized(TableRows):
        def batches(
            self, columns: Collection[str], where_there: Collection[str] = (), size: int = 0
        ) -> Iterator[pa.Table]:
            for batch in super().batches(columns, where_there, size):
                sizes.append(batch.num_rows)
                yield batch

    checks = [
        check("expect_column_values_to_be_between", "x", min_value=1),
        check("expect_column_values_to_match_regex", "carrier", regex="A"),
    ]

    outcomes = validate(Sized(table), checks, Known(SPEC), size=25)

    assert [outcome.unexpected for outcome in outcomes] == [1, 0]
    assert set(sizes) == {25, 10}


def test_expectations_of_a_user_run_on_the_columns_that_they_name(rows):
    checks = [
        check("expect_column_values_to_be_even", "n", mostly=0.5),
        check("expect_column_max_to_be_odd", "n"),
        check("expect_table_to_be_filled"),
    ]

    outcomes = validate(rows, checks, Known(SPEC), size=7)

    assert [outcome.passed for outcome in outcomes] == [True, True, False]
    assert [outcome.observed for outcome in outcomes] == [f"30 of {ROWS} unexpected", "59", "299"]
    assert rows.read == [("n",), ("id", "at", "x", "n", "carrier")]
