"""Texts of every type are read; bytes that are none are refused, value by value."""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import conform

NOT_UTF8 = "x is not UTF-8 text"
HAS_NUL = "x has a NUL character"
IDENTIFIER = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
# the name of an island as Latin-1 writes it
LATIN = b"R\xc9UNION"
BYTES = [b"DE", LATIN, b"a\0b", None, "é".encode(), b""]


def read(values: pa.Array, kind: ColumnType = ColumnType.CATEGORY):
    table, faults, _ = conform(pa.table({"x": values}), {"x": Column(type=kind)})
    table.validate(full=True)
    return table.column("x").to_pylist(), {fault.reason: np.flatnonzero(fault.rows).tolist() for fault in faults}


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.binary()),
        pa.dictionary(pa.int32(), pa.string()),
    ],
)
def test_bytes_that_are_no_text_are_refused_alone(kind):
    own = kind.value_type if pa.types.is_dictionary(kind) else kind
    values = pa.array(BYTES, pa.binary()).cast(own, safe=False)
    values = values.dictionary_encode() if pa.types.is_dictionary(kind) else values

    assert read(values) == (["DE", None, None, None, "é", ""], {NOT_UTF8: [1], HAS_NUL: [2]})


def test_part_of_a_longer_array_is_checked_by_itself():
    values = pa.array(BYTES, pa.binary()).cast(pa.string(), safe=False)

    assert read(values[3:]) == ([None, "é", ""], {})
    assert read(values[1:2]) == ([None], {NOT_UTF8: [0]})


def test_bytes_that_are_no_text_are_no_number_either():
    values = pa.array([b"12", LATIN], pa.binary()).cast(pa.string(), safe=False)

    assert read(values, ColumnType.INTEGER) == ([12, None], {NOT_UTF8: [1]})


@pytest.mark.parametrize("kind", [pa.uuid(), pa.binary(16)])
def test_uuids_are_spelt(kind):
    values = pa.array([bytes(16), IDENTIFIER.bytes, None], kind)

    assert read(values) == ([str(uuid.UUID(int=0)), str(IDENTIFIER), None], {})
    assert read(values[1:]) == ([str(IDENTIFIER), None], {})


def test_texts_of_fixed_length_are_texts():
    assert read(pa.array([b"abc", b"a\0\0"], pa.binary(3))) == (["abc", None], {HAS_NUL: [1]})


@pytest.mark.guards("fault-25")
def test_list_is_no_text():
    assert read(pa.array([["a"]])) == (
        [None],
        {"column 'x' is list<item: string>, which cannot be read as category": [0]},
    )


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.struct({"a": pa.int8()}), pa.duration("s"), pa.time32("s")])
def test_column_without_rows_may_be_of_any_type(kind):
    assert read(pa.array([], kind)) == ([], {})


def test_column_that_occurs_twice_costs_itself_alone():
    table = pa.table([["a"], ["b"], ["c"], ["d"], ["e"]], names=["x", "x", "y", "z", "z"])
    declared = {name: Column(type=ColumnType.CATEGORY) for name in ("x", "y", "w")}

    found, faults, _ = conform(table, declared, repeated=("w",))

    assert found.to_pydict() == {"x": [None], "y": ["c"], "w": [None]}
    assert [fault.reason for fault in faults] == ["column 'x' occurs twice", "column 'w' occurs twice"]


def test_column_in_another_case_is_named_and_not_taken():
    declared = {"amount": Column(type=ColumnType.FLOAT), "Land": Column(type=ColumnType.CATEGORY)}

    found, faults, _ = conform(pa.table({"Amount": [1.5], "land": ["DE"], "Land": ["FR"]}), declared)

    assert found.to_pydict() == {"amount": [None], "Land": ["FR"]}
    assert [fault.reason for fault in faults] == ["column 'amount' is missing: the file has 'Amount'"]


def test_path_gives_what_the_file_lacks():
    declared = {"region": Column(type=ColumnType.CATEGORY), "hour": Column(type=ColumnType.INTEGER)}
    table = pa.table({"x": [1, 2]})

    given = conform(table, declared, values={"region": "eu", "hour": "07"})
    absent = conform(table, declared, values={"region": None, "hour": "late"})

    assert given.table.to_pydict() == {"region": ["eu", "eu"], "hour": [7, 7]}
    assert given.faults == ()
    assert absent.table.to_pydict() == {"region": [None, None], "hour": [None, None]}
    assert [fault.reason for fault in absent.faults] == ["hour is not a whole number"]


def test_value_of_the_file_counts_and_the_other_of_the_path_is_said():
    declared = {"region": Column(type=ColumnType.CATEGORY)}
    table = pa.table({"region": ["eu", "us"]})

    found, faults, notes = conform(table, declared, values={"region": "eu"})

    assert found.to_pydict() == {"region": ["eu", "us"]}
    assert faults == ()
    assert notes == ("column 'region' is in the file and, as 'eu', in its path: the file's values count",)
    assert conform(table.slice(0, 1), declared, values={"region": "eu"}).notes == ()
