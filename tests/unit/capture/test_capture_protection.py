"""Captured values are protected as the monitoring would protect them, before they leave the process."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.archive.curation.personal import coarsen_values, hash_values
from airflow_mlmon.capture.protection import protect_values
from airflow_mlmon.capture.ranges import mark_rows
from airflow_mlmon.capture.sampling import is_sampled
from airflow_mlmon.capture.schema import CapturedColumn
from airflow_mlmon.spec import Column

KEY = b"a key of the monitoring"
FAST = settings(max_examples=200)
FLOATS = st.floats(-1e9, 1e9) | st.sampled_from([0.3, 0.7, -0.1, 1e-12]) | st.none()
STEPS = st.sampled_from([0.1, 0.25, 0.3, 1.0, 10, 7.5])


def _chunked(values, kind) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@FAST
@given(st.lists(st.text(max_size=9) | st.none(), max_size=9))
def test_text_is_hashed_as_by_the_monitoring(texts):
    values = _chunked(texts, pa.string())

    found = protect_values(values, CapturedColumn(name="x", type="string", personal="hash"), KEY)

    assert found.to_pylist() == hash_values(values, KEY).to_pylist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, None, -7], pa.int64()), ([1.5, math.nan, 1e300], pa.float64()), ([True, None], pa.bool_())],
)
def test_number_is_hashed_as_by_the_monitoring(values, kind):
    found = protect_values(_chunked(values, kind), CapturedColumn(name="x", type="float", personal="hash"), KEY)

    assert found.to_pylist() == hash_values(_chunked(values, kind), KEY).to_pylist()


@FAST
@given(st.lists(FLOATS, max_size=9), STEPS)
def test_float_is_generalised_as_by_the_monitoring(numbers, step):
    values = _chunked(numbers, pa.float64())

    found = protect_values(values, CapturedColumn(name="x", type="float", generalise=step), None)

    assert found.to_pylist() == coarsen_values(values, Column(type="float", generalise=step)).to_pylist()


@FAST
@given(st.lists(st.integers(-(2**60), 2**60) | st.none(), max_size=9), st.sampled_from([1, 3, 10, 1000]))
def test_integer_is_generalised_as_by_the_monitoring(numbers, step):
    values = _chunked(numbers, pa.int64())

    found = protect_values(values, CapturedColumn(name="x", type="integer", generalise=step), None)

    assert found.to_pylist() == coarsen_values(values, Column(type="integer", generalise=step)).to_pylist()


@FAST
@given(st.lists(st.text(max_size=9) | st.none(), max_size=9), st.integers(1, 5))
def test_text_is_truncated_as_by_the_monitoring(texts, length):
    values = _chunked(texts, pa.string())

    found = protect_values(values, CapturedColumn(name="x", type="string", truncate=length), None)

    assert found.to_pylist() == coarsen_values(values, Column(type="string", truncate=length)).to_pylist()


@pytest.mark.parametrize("step", ["hour", "day", "month", "year"])
def test_time_is_generalised_as_by_the_monitoring(step):
    values = _chunked([datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None], pa.timestamp("us", tz="UTC"))

    found = protect_values(values, CapturedColumn(name="x", type="timestamp", generalise=step), None)

    assert found.to_pylist() == coarsen_values(values, Column(type="timestamp", generalise=step)).to_pylist()


def test_values_out_of_range_are_named_counted_or_flagged():
    columns = {
        "age": _chunked([17, 18, None, 99, 100], pa.int64()),
        "price": _chunked([-1.0, 0.0, math.nan, None, math.inf], pa.float64()),
    }
    ranges = {"age": (18, 99), "price": (0, None)}

    names, count, any_ = (mark_rows(columns, ranges, kind).to_pylist() for kind in ("category", "integer", "boolean"))

    assert names == ["age,price", None, None, None, "age"]
    assert count == [2, 0, 0, 0, 1]
    assert any_ == [True, False, False, False, True]
    assert pc.any(mark_rows(columns, {"price": (None, 5.0)}, "boolean")).as_py()


def test_sampling_takes_its_fraction_of_the_ids_and_always_the_same():
    ids = [f"process-{number}" for number in range(4_000)]

    taken = [key for key in ids if is_sampled(key, 0.25)]

    assert abs(len(taken) / len(ids) - 0.25) < 0.03
    assert [key for key in taken if is_sampled(key, 0.25)] == taken
    assert {key for key in ids if is_sampled(key, 0.1)} <= set(taken)
