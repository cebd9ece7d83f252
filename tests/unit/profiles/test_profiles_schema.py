from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError, StateError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema, SegmentSchema
from tests.support.profiles import loan_spec, loan_table, make_spec


def pin(values, **column) -> ColumnSchema:
    (pinned,) = pin_schema(make_spec(x=column, y={"type": "float"}), pa.table({"x": values})).columns[:1]
    return pinned


def test_pin_divides_the_rows_by_the_version_even_where_it_is_a_number():
    spec = make_spec(x={"type": "float"}, v={"type": "integer", "role": "version"})
    schema = pin_schema(spec, pa.table({"x": [1.0], "v": [7]}))

    assert schema.segments == (SegmentSchema(columns=("v",)),)
    assert profile_table(pa.table({"x": [1.0, 2.0], "v": [7, 8]}), schema).part("v", "8").rows == 1


def test_pin_takes_the_most_frequent_values_of_a_segment():
    spec = make_spec(c={"type": "category"}, n={"type": "integer"}).model_copy(
        update={"segments": (("c",), ("c", "n"))}
    )
    schema = pin_schema(spec, pa.table({"c": ["a", "b", "b", None], "n": [1, 1, 1, 1]}))

    assert [segment.values for segment in schema.segments] == [("b", "a"), ("b & 1", "a & 1")]


def test_pin_covers_features_score_and_prediction():
    schema = pin_schema(loan_spec(), loan_table(500, seed=1))

    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds == {
        "amount": Kind.NUMERIC,
        "term": Kind.NUMERIC,
        "purpose": Kind.CATEGORY,
        "repeat": Kind.CATEGORY,
        "applied": Kind.NUMERIC,
        "score": Kind.NUMERIC,
        "approved": Kind.CATEGORY,
    }


def test_pin_leaves_personal_and_ignored_columns_out():
    spec = make_spec(
        x={"type": "float"}, mail={"type": "string", "personal": "hash"}, note={"type": "string", "role": "ignored"}
    )
    schema = pin_schema(spec, pa.table({"x": [1.0], "mail": ["a@b"], "note": ["n"]}))

    assert [column.name for column in schema.columns] == ["x"]


def test_pin_takes_the_median_as_centre():
    assert pin([1.0, 2.0, 3.0, 4.0, 1e9], type="float").centre == 3.0


def test_pin_takes_an_integer_centre_for_integers():
    pinned = pin([1.0, 2.5, 2.6, 3.0], type="integer")

    assert (pinned.centre, pinned.integer) == (2.0, True)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 3e7])
def test_pin_takes_a_power_of_two_far_below_the_spread_as_quantum(scale):
    values = np.random.default_rng(1).normal(size=1000) * scale

    quantum = pin(values, type="float").quantum
    assert np.frexp(quantum)[0] == 0.5
    assert 2.0**-24 < quantum / scale < 2.0**-19


def test_pin_takes_a_whole_quantum_for_integers():
    assert pin([1, 2, 3, 4], type="integer").quantum == 1.0


def test_pin_orders_the_vocabulary_by_count_then_name():
    assert pin(["b", "a", "c", "c", None], type="string").vocabulary == ("c", "a", "b")


def test_pin_keeps_the_thousand_most_frequent_values():
    values = [f"v{number:04}" for number in range(1500) for _ in range(2 if number >= 1400 else 1)]

    vocabulary = pin(values, type="category").vocabulary
    assert len(vocabulary) == 1000
    assert vocabulary[:2] == ("v1400", "v1401")


def test_pin_finds_values_that_hold_one_percent_as_atoms():
    values = np.concatenate((np.linspace(1, 2, 985), np.zeros(15)))

    pinned = pin(values, type="float")
    assert [atom + pinned.centre for atom in pinned.atoms] == [0.0]


@pytest.mark.parametrize("values", [pa.array([], pa.float64()), pa.nulls(3, pa.float64()), pa.array([np.nan, np.inf])])
def test_pin_of_a_column_without_a_finite_value_is_around_zero(values):
    assert pin(values, type="float") == ColumnSchema(name="x", kind=Kind.NUMERIC, quantum=2.0**-40)


def test_pin_of_an_absent_column_keeps_the_column():
    schema = pin_schema(make_spec(x={"type": "float"}), pa.table({"other": [1]}))

    assert schema.columns == (ColumnSchema(name="x", kind=Kind.NUMERIC, quantum=2.0**-40),)


def test_pin_of_text_as_number_names_the_column():
    with pytest.raises(SchemaMismatchError, match=r"Column 'x' is of type string"):
        pin(["a"], type="float")


def test_schema_survives_json():
    schema = pin_schema(loan_spec(), loan_table(500, seed=1))

    assert ProfileSchema.from_json(schema.to_json()) == schema


def test_schema_id_is_twelve_digits_and_changes_with_the_schema():
    schema = pin_schema(loan_spec(), loan_table(500, seed=1))
    other = replace(schema, columns=schema.columns[:-1])

    assert len(schema.id) == len(bytes.fromhex(schema.id)) * 2 == 12
    assert schema.id != other.id
    assert schema.id == ProfileSchema.from_json(schema.to_json()).id


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format":1}', '{"format":1,"model":"m","columns":[{"kind":"x"}]}'])
def test_schema_from_damaged_json_is_refused(text):
    with pytest.raises(StateError, match="Cannot parse the stored profile schema"):
        ProfileSchema.from_json(text)


def test_schema_of_a_later_format_is_refused():
    with pytest.raises(StateError, match="format 2"):
        ProfileSchema.from_json(json.dumps({"format": 2, "model": "m", "columns": []}))
