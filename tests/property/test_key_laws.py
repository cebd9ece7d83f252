"""Keys are injective: no two of them stand for different values, whatever the values contain."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_mlmon.archive.label_keys import join_keys
from airflow_mlmon.druid.profile_sql import write_segment_text
from airflow_mlmon.profiles.engine.division import count_values
from airflow_mlmon.profiles.keys import column_key, column_value, cross, divides, segment_key, segment_name
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.records import fingerprint_of

# of the letters that keys are made of, many texts are alike
values = st.text(alphabet="a &=\\\\", max_size=6)
pairs = st.tuples(values, values)


@given(pairs, pairs)
@example(("Food & Wine", "Red"), ("Food", "Wine & Red"))
@example(("a &", "b"), ("a", "& b"))
@example(("&", "a"), ("", "& a"))
def test_crossings_are_alike_if_their_values_are(one, other):
    assert (cross(one) == cross(other)) == (one == other)


@given(st.lists(values, min_size=1, max_size=3), st.lists(values, min_size=1, max_size=3))
@example(["a", "b"], ["a & b"])
def test_names_of_segments_are_alike_if_their_columns_are(one, other):
    assert (segment_name(one) == segment_name(other)) == (one == other)


@given(values, st.none() | values, values, st.none() | values)
@example("a=b", "c", "a", "b=c")
@example("a=b (other)", None, "a", "b (other) (other)")
def test_keys_are_alike_if_column_and_value_are(column, value, other_column, other_value):
    one, other = column_key(column, value), column_key(other_column, other_value)

    assert (one == other) == ((column, value) == (other_column, other_value))
    assert divides(column, one)
    assert column_value(column, one) == value


@given(
    st.text(alphabet="abAB &/.-_0", max_size=9).filter(lambda text: " &" not in f" {text} " and "& " not in f"{text} ")
)
def test_texts_without_separators_stay_as_they_are(text):
    assert cross([text, text]) == f"{text} & {text}"
    assert segment_key(segment_name([text]), text) == f"{text}={text}"


@given(st.lists(pairs, min_size=1, max_size=20))
def test_rows_are_divided_by_the_keys_of_their_values(rows):
    table = pa.table({"a": [one for one, _ in rows], "b": [other for _, other in rows]})

    counted = count_values(table, SegmentSchema(columns=("a", "b")))

    assert counted == {cross(pair): rows.count(pair) for pair in rows}


@given(st.lists(pairs, min_size=1, max_size=20))
def test_database_makes_the_same_keys(rows):
    text = write_segment_text(["a", "b"], flags=(), texts=["a", "b"]).text
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE rows (a TEXT, b TEXT)")
        database.executemany("INSERT INTO rows VALUES (?, ?)", rows)
        found = [key for (key,) in database.execute(f"SELECT {text} FROM rows ORDER BY rowid")]  # noqa: S608

    assert found == [cross(pair) for pair in rows]


units = st.text(alphabet="a\x1e\x1f01", max_size=4)


@given(st.tuples(units, units), st.tuples(units, units))
def test_keys_of_labels_are_alike_if_their_parts_are(one, other):
    joined = join_keys([pa.chunked_array([list(texts)]) for texts in zip(one, other, strict=True)]).to_pylist()

    assert (joined[0] == joined[1]) == (one == other)


@given(st.tuples(units, units, units), st.tuples(units, units, units))
def test_fingerprints_are_alike_if_their_subjects_are(one, other):
    assert (fingerprint_of("m", *one) == fingerprint_of("m", *other)) == (one == other)


@pytest.mark.parametrize(
    ("subject", "fingerprint"),
    [
        (("flights", "null_rate", "wind_speed", None), "fe1916388362143c"),
        (("m", "rows", None, None), "7cb8ce8c4ff26598"),
    ],
)
def test_fingerprints_of_before_stay(subject, fingerprint):
    assert fingerprint_of(*subject) == fingerprint
