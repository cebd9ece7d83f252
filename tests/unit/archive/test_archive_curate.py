"""Every row is taken or quarantined with a reason, and none is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.archive.curation.personal import hash_values, hashing_of, protect
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from tests.support.curated import curate

SPEC = parse_spec(
    """
model: m
start: 2026-03-01
predictions:
  path: p/{date}
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    x: {type: float, required: true}
    name: {type: string, personal: drop}
    mail: {type: string, personal: hash}
reference: {path: r}
""",
    "m.yaml",
)
DAY = Partition.of_day("m", date(2026, 3, 1))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rows(*entries: tuple[str | None, datetime | None, float | None]) -> pa.Table:
    ids, times, values = zip(*entries, strict=True)
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "at": pa.array(times, pa.timestamp("us", "UTC")),
            "x": pa.array(values, pa.float64()),
        }
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param((None, NOON, 1.0), "id is empty", id="no-id"),
        pytest.param(("b", None, 1.0), "at is empty", id="no-time"),
        pytest.param(("b", NOON, None), "x is empty", id="no-required-value"),
        pytest.param(("b", DAY.end, 1.0), "at is outside the day", id="first-moment-of-the-next-day"),
        pytest.param(("b", DAY.start - timedelta(microseconds=1), 1.0), "at is outside the day", id="day-before"),
        pytest.param(("a", NOON, 1.0), "id is a duplicate", id="duplicate"),
        pytest.param(("a", NOON, 2.0), "id is a duplicate with other values", id="contradiction"),
    ],
)
def test_curate_quarantines_a_bad_row_with_its_reason(bad, reason):
    curated = curate(rows(("a", NOON, 1.0), bad), SPEC, DAY)

    assert curated.rows.column("x").to_pylist() == [1.0]
    assert curated.reasons == {reason: 1}


@pytest.mark.guards("fault-05")
def test_curate_takes_the_first_good_row_of_an_id():
    curated = curate(rows(("a", NOON, None), ("a", NOON, 2.0), ("a", NOON, 3.0)), SPEC, DAY)

    assert curated.rows.column("x").to_pylist() == [2.0]
    assert curated.reasons == {"x is empty": 1, "id is a duplicate with other values": 1}


def test_curate_takes_the_first_moment_of_the_day():
    assert curate(rows(("a", DAY.start, 1.0)), SPEC, DAY).rows.num_rows == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "a", "b", "c"]),
            st.sampled_from([None, NOON, DAY.end]),
            st.sampled_from([None, 0.0]),
        ),
        min_size=1,
    )
)
def test_curate_accounts_for_every_row(entries):
    curated = curate(rows(*entries), SPEC, DAY)

    assert curated.rows.num_rows + curated.quarantine.num_rows == len(entries)
    assert sum(curated.reasons.values()) == curated.quarantine.num_rows
    assert len(set(curated.rows.column("id").to_pylist())) == curated.rows.num_rows


def test_personal_columns_are_hashed_and_dropped():
    table = pa.table({"x": [1.0], "name": ["Ada"], "mail": ["ada@example.com"]})

    safe = protect(hashing_of(SPEC.columns, b"key").hash_table(table, None), SPEC)

    assert safe.column_names == ["x", "mail"]
    assert "ada" not in str(safe.to_pylist())


def test_hash_values_depends_on_the_key_and_keeps_nulls():
    values = pa.chunked_array([["a", None, "a", "b"]])

    first, again, other = (hash_values(values, key).to_pylist() for key in (b"1", b"1", b"2"))

    assert first == again
    assert first != other
    assert first[0] == first[2] != first[3]
    assert first[1] is None


def test_hash_values_needs_a_key():
    with pytest.raises(ConfigError, match="AIRFLOW__MLMON__HASH_KEY"):
        hash_values(pa.chunked_array([["a"]]), None)


VECTORS = parse_spec(
    """
model: m
start: 2026-03-01
predictions:
  path: p/{date}
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    v: {type: vector, dimension: 2}
    w: {type: vector, dimension: 1, required: true}
reference: {path: r}
""",
    "m.yaml",
)


@pytest.mark.parametrize("element", [pa.float32(), pa.float64()], ids=str)
def test_curate_quarantines_vectors_that_are_none_and_takes_the_others(element):
    vectors = [[1.0, 2.0], None, [float("nan"), 1.0], [1.0], [], [1.0, 2.0, 3.0], [1.0, None], [1.0, 2.0]]
    table = pa.table(
        {
            "id": list("abcdefgh"),
            "at": pa.array([NOON] * 8, pa.timestamp("us", "UTC")),
            "v": pa.chunked_array([vectors[:3], vectors[3:]], pa.list_(element)),
            "w": pa.array([[1.0]] * 7 + [None], pa.list_(element)),
        }
    )

    curated = curate(table, VECTORS, DAY)

    assert curated.rows.column("id").to_pylist() == ["a", "b", "c"]
    assert curated.reasons == {
        "v is not a vector of dimension 2": 3,
        "v has a null element": 1,
        "w is empty": 1,
    }


def test_curate_finds_empty_elements_behind_null_vectors_and_in_slices():
    vectors = pa.array([[9.0, None], None, [1.0, 2.0], [None, 2.0]], pa.list_(pa.float32())).slice(1)
    table = pa.table({"id": list("abc"), "at": [NOON] * 3, "v": vectors, "w": [[1.0]] * 3})

    assert curate(table, VECTORS, DAY).quarantine.column("id").to_pylist() == ["c"]
