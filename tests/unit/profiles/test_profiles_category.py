from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.category import MAX_NAMES, to_bucket
from airflow_mlmon.profiles.columns.column import sum_columns
from airflow_mlmon.profiles.engine.counters import make_counter
from tests.support.arrow_memory import counted_memory
from tests.support.profiles import category_schema, profile_values


def test_vocabulary_is_counted_by_name_and_the_rest_by_bucket():
    profile = profile_values(["a", "b", "a", "new", None, ""], category_schema("a", "b", "unused"))

    assert [profile.count_of(name) for name in ("a", "b", "unused", "new")] == [2, 1, 0, 0]
    assert (profile.rows, profile.nulls, profile.unseen_rows) == (6, 1, 2)
    assert profile.unseen.count_of(to_bucket(b"new")) == 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pa.array(["b", "a", None]), id="string"),
        pytest.param(pa.array(["b", "a", None], pa.large_string()), id="large-string"),
        pytest.param(pa.array(["b", "a", None]).dictionary_encode(), id="dictionary"),
        pytest.param(
            pa.chunked_array([pa.array(["b"]).dictionary_encode(), pa.array(["a", None]).dictionary_encode()]),
            id="dictionaries-that-differ",
        ),
        pytest.param(
            pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", None, "b"])), id="null-in-dictionary"
        ),
    ],
)
def test_text_of_any_arrow_type_is_counted(values):
    profile = profile_values(values, category_schema("a", "b"))

    assert (profile.count_of("a"), profile.count_of("b"), profile.nulls, profile.rows) == (1, 1, 1, 3)


def test_booleans_are_the_values_false_and_true():
    profile = profile_values([True, False, True], category_schema("true", "false"))

    assert (profile.count_of("true"), profile.count_of("false")) == (2, 1)


def test_column_without_rows_is_counted_as_nothing():
    empty = pa.chunked_array([], pa.dictionary(pa.int32(), pa.string()))

    assert profile_values(empty, category_schema("a")).rows == 0


def test_frequent_unseen_values_are_named_for_display_only():
    schema = category_schema("a")
    named = profile_values(["x"] * 3 + ["y"], schema)

    assert named.names == (("x", 3), ("y", 1))
    assert profile_values([f"v{number}" for number in range(99)], schema).names[MAX_NAMES:] == ()


def test_names_of_unseen_values_are_no_part_of_equality():
    schema = category_schema("a")
    whole = profile_values([*"bcdefghijklmnopqrstuvwxyz"], schema)
    parts = sum_columns(profile_values([*letters], schema) for letters in ("bcdefghijklm", "nopqrstuvwxyz"))

    assert parts == whole
    assert replace(whole, names=()) == whole


def test_hostile_names_are_only_text():
    name = "'; DROP TABLE x; -- <script>\u2028\U0001f600"

    assert profile_values([name], category_schema(name)).count_of(name) == 1


def test_invalid_utf8_is_counted_as_unseen():
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")]
    )

    assert profile_values(broken, category_schema("a")).unseen_rows == 1


def test_struct_column_is_refused_by_name():
    with pytest.raises(SchemaMismatchError, match="Column 'c' is of type struct"):
        profile_values(pa.array([{"k": 1}]), category_schema("a"))


def test_long_texts_are_counted_a_few_at_a_time():
    texts = pa.array([f"{number:02}" * (1 << 19) for number in range(64)])
    counter = make_counter(category_schema("00" * (1 << 19)))

    with counted_memory() as pool:
        counter.add(texts)
        profile = counter.profile()

    assert (profile.rows, int(profile.known.counts.sum()), profile.sketch.estimate) == (64, 1, 64)
    assert pool.max_memory() < texts.nbytes
