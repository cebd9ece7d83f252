"""Rows with an error status are accepted apart: only their time is demanded, and a copy is quarantined."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from tests.support.curated import curate

SPEC = parse_spec(
    """\
model: loans
start: 2026-03-01
predictions:
  path: archive/{date}
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    amount: {type: float, required: true}
operational: {status: status}
reference: {path: reference}
""",
    "loans.yaml",
)
DAY = Partition.from_key("loans", "2026-03-01")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=5)


def table(*entries: tuple[str | None, datetime | None, float | None, str | None]) -> pa.Table:
    ids, times, amounts, statuses = zip(*entries, strict=True)
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "amount": pa.array(amounts, pa.float64()),
            "status": pa.array(statuses, pa.string()),
        }
    )


def test_error_needs_neither_an_id_nor_a_value():
    curated = curate(table((None, NOON, None, "500"), ("a", NOON, 1.0, "200"), ("b", NOON, None, "200")), SPEC, DAY)

    assert curated.errors.num_rows == 1
    assert curated.rows.column("id").to_pylist() == ["a"]
    assert curated.reasons == {"amount is empty": 1}


def test_error_of_another_day_is_quarantined():
    curated = curate(table(("a", DAY.end, None, "500"), ("b", None, None, "500")), SPEC, DAY)

    assert curated.errors.num_rows == 0
    assert curated.reasons == {"at is outside the day": 1, "at is empty": 1}


def test_answer_to_a_retry_is_no_duplicate_of_the_error():
    curated = curate(table(("a", NOON, None, "500"), ("a", LATER, 1.0, "200"), ("a", LATER, 1.0, "200")), SPEC, DAY)

    assert (curated.errors.num_rows, curated.rows.num_rows) == (1, 1)
    assert curated.reasons == {"id is a duplicate": 1}


def test_copy_of_an_error_is_quarantined_and_a_failed_retry_is_not():
    curated = curate(table(("a", NOON, None, "500"), ("a", NOON, None, "500"), ("a", LATER, None, "500")), SPEC, DAY)

    assert curated.errors.num_rows == 2
    assert curated.reasons == {"an error is listed twice": 1}


def test_row_with_an_unknown_status_or_none_is_an_ordinary_one():
    curated = curate(table(("a", NOON, 1.0, "oops"), ("b", NOON, 1.0, None)), SPEC, DAY)

    assert (curated.rows.num_rows, curated.errors.num_rows, curated.quarantine.num_rows) == (2, 0, 0)
