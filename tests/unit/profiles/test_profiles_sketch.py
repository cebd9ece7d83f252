from __future__ import annotations

import datasketches
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.murmur import hash_texts
from tests.support.profiles import category_schema, make_spec, profile_numbers, profile_values

IDENTIFIER = ColumnSchema(name="i", kind=Kind.IDENTIFIER)
texts = st.lists(st.text(min_size=1, max_size=70), min_size=1, max_size=20)


def library_sketch(values, log2_k=10):
    sketch = datasketches.update_theta_sketch(lg_k=log2_k)
    for value in values:
        sketch.update(value)
    sketch.trim()
    return sketch.compact(ordered=True)


@settings(derandomize=True)
@given(texts, st.integers(0, 3))
def test_hashes_are_those_of_the_library(values, offset):
    array = pa.array([*["skipped"] * offset, *values]).slice(offset)

    expected = [next(iter(library_sketch([value]))) for value in values]
    assert hash_texts(array).tolist() == expected
    assert hash_texts(array.cast(pa.large_string())).tolist() == expected


@pytest.mark.parametrize("others", [(), ("",)], ids=["texts", "texts_and_an_empty_one"])
@pytest.mark.parametrize("distinct", [0, 1, 300, 1023, 1024, 1025, 3_000, 30_000])
def test_sketch_is_that_of_the_library_fed_every_text(distinct, others):
    values = [*others, *(f"customer {number}" for number in range(distinct))] * 2

    assert DistinctSketch.of(pa.array(values, pa.string())).data == library_sketch(values).serialize()


@pytest.mark.parametrize(("distinct", "tolerance"), [(0, 0), (1024, 0), (5000, 0.1), (100_000, 0.1)])
def test_estimate_is_near_the_distinct_count(distinct, tolerance):
    sketch = DistinctSketch.of(pa.array([f"{number:040}" for number in range(distinct)], pa.string()))

    assert sketch.estimate == pytest.approx(distinct, rel=tolerance)
    assert sketch.bounds[0] <= distinct <= sketch.bounds[1]


def test_invalid_utf8_is_counted_as_one_text():
    offsets = pa.py_buffer(np.array([0, 2, 4], np.int32).tobytes())
    broken = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xff\xfe\xff\xfe")])

    assert DistinctSketch.of(broken).estimate == 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array(["p", "q", "p", None]), id="string"),
        pytest.param(pa.array(["p", "q", "p", None], pa.large_string()), id="large-string"),
        pytest.param(pa.array(["p", "q", "p", None]).dictionary_encode(), id="dictionary"),
        pytest.param(pa.array([7, 8, 7, None]), id="integer"),
        pytest.param(
            pa.DictionaryArray.from_arrays(pa.array([0, 3, 0, 1]), pa.array(["p", None, "unused", "q"])),
            id="dictionary-with-null",
        ),
    ],
)
def test_identifier_keeps_counts_only(values):
    profile = profile_values(values, IDENTIFIER)

    assert (profile.rows, profile.nulls, profile.observed, profile.distinct) == (4, 1, 3, 2)


def test_distinct_values_of_a_category_are_counted():
    unused = pa.DictionaryArray.from_arrays(pa.array([0, 0, 2]), pa.array(["a", "never", "b"]))

    assert profile_values(unused, category_schema("a")).distinct == 2


def test_distinct_numbers_are_known_while_they_are_few():
    assert profile_numbers([1.0, 2.0, 2.0]).distinct == 2
    assert profile_numbers(np.arange(5000)).distinct is None


@pytest.mark.parametrize(
    ("declared", "values", "kind"),
    [
        pytest.param("string", [f"c{number}" for number in range(2000)], Kind.IDENTIFIER, id="unique"),
        pytest.param("category", [f"c{number}" for number in range(2000)], Kind.CATEGORY, id="declared-a-category"),
        pytest.param("string", [f"c{number}" for number in range(900)], Kind.CATEGORY, id="few"),
        pytest.param("string", [f"c{number}" for number in range(2000)] * 2, Kind.CATEGORY, id="repeated"),
    ],
)
def test_identifier_is_recognised_by_its_unique_texts(declared, values, kind):
    schema = pin_schema(make_spec(c={"type": declared}), pa.table({"c": values}))

    assert schema.columns[0].kind is kind
