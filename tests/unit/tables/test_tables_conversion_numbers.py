"""Numbers, flags and codes of any type are read if nothing is lost, each value by itself."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import conform

WHOLE = pa.decimal128(38, 0)
NOT_WHOLE = "x is not a whole number"
TOO_LARGE = "x is beyond 64 bits"
NO_BOOLEAN = "x is not a boolean (0/1, true/false, yes/no)"
FLOATS = [5411.0, math.nan, math.inf, 1.5, -0.0, None]


def read(values: pa.Array, kind: ColumnType, *, is_text: bool = False):
    """Return the values, and the rows of each reason."""
    table, faults, _ = conform(pa.table({"x": values}), {"x": Column(type=kind)}, is_text=is_text)
    return table.column("x").to_pylist(), {fault.reason: np.flatnonzero(fault.rows).tolist() for fault in faults}


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_whole_floats_are_integers(kind):
    values = pa.array(np.array([541.0, np.nan, np.inf, 1.5, -3.0], dtype=kind.to_pandas_dtype()))

    assert read(values, ColumnType.INTEGER) == ([541, None, None, None, -3], {NOT_WHOLE: [2, 3]})


@pytest.mark.parametrize("kind", [ColumnType.STRING, ColumnType.CATEGORY])
def test_whole_floats_are_codes(kind):
    assert read(pa.array(FLOATS), kind) == (["5411", None, None, None, "0", None], {NOT_WHOLE: [2, 3]})


def test_float_that_no_longer_tells_two_codes_apart_is_none():
    values = pa.array([2.0**53, 2.0**53 + 2, 1e300])

    found, reasons = read(values, ColumnType.STRING)

    assert found == [str(2**53), None, None]
    assert reasons == {"x is a float too large to be an exact code": [1, 2]}


@pytest.mark.parametrize(
    ("kind", "expected", "reasons"),
    [
        (ColumnType.INTEGER, [1, 0, 2, None, None], {TOO_LARGE: [4]}),
        (ColumnType.BOOLEAN, [True, False, None, None, None], {NO_BOOLEAN: [2, 4]}),
        (ColumnType.STRING, ["1", "0", "2", None, f"1{'0' * 37}"], {}),
        (ColumnType.CATEGORY, ["1", "0", "2", None, f"1{'0' * 37}"], {}),
        (ColumnType.FLOAT, [1.0, 0.0, 2.0, None, 1e37], {}),
    ],
)
def test_decimals_of_a_warehouse_are_integers_flags_and_ids(kind, expected, reasons):
    values = pa.array([Decimal(1), Decimal(0), Decimal(2), None, Decimal(10**37)], WHOLE)

    assert read(values, kind) == (expected, reasons)


@pytest.mark.parametrize("kind", [pa.decimal64(12, 4), pa.decimal128(38, 10), pa.decimal256(60, 12)])
def test_decimals_with_places_are_whole_if_those_are_zeros(kind):
    values = pa.array([Decimal(0), Decimal("5.0000"), Decimal("5.5"), None], kind)

    assert read(values, ColumnType.INTEGER) == ([0, 5, None, None], {NOT_WHOLE: [2]})
    assert read(values, ColumnType.STRING) == (["0", "5", None, None], {NOT_WHOLE: [2]})


def test_unsigned_integers_beyond_64_bits_are_refused_alone():
    values = pa.array([1, 2**64 - 1], pa.uint64())

    assert read(values, ColumnType.INTEGER) == ([1, None], {TOO_LARGE: [1]})
    assert read(values, ColumnType.STRING) == (["1", str(2**64 - 1)], {})


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.binary_view()])
def test_texts_of_integers_are_integers(kind):
    words = ["17", "+17", "17.0", "00017", "-9223372036854775808", "9223372036854775808", "1e5", "0x1F", "", None]
    values = pa.array([word and word.encode() for word in words], pa.binary()).cast(kind)

    found, reasons = read(values, ColumnType.INTEGER)

    assert found == [17, 17, 17, 17, -(2**63), None, None, None, None, None]
    assert reasons == {TOO_LARGE: [5], NOT_WHOLE: [6, 7, 8]}


def test_texts_of_numbers_are_floats():
    values = pa.array(["1.5", "-2e-3", "+.5", "NaN", "inf", "1,5", "n/a", None])

    found, reasons = read(values, ColumnType.FLOAT)

    assert str(found) == "[1.5, -0.002, 0.5, nan, inf, None, None, None]"
    assert reasons == {"x is not a number": [5, 6]}


def test_blanks_around_written_numbers_are_no_part_of_them():
    values = pa.array([" 1", "2 "])

    assert read(values, ColumnType.INTEGER, is_text=True) == ([1, 2], {})
    assert read(values, ColumnType.INTEGER) == ([None, None], {NOT_WHOLE: [0, 1]})
    assert read(values, ColumnType.STRING, is_text=True) == ([" 1", "2 "], {})


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.dictionary(pa.int8(), pa.large_string())])
def test_words_for_true_and_false_are_booleans(kind):
    words = ["Yes", "NO", "t", "F", "y", "n", "TRUE", "false", "1", "0", "1.0", "on", "2", None]

    found, reasons = read(pa.array(words).cast(kind), ColumnType.BOOLEAN)

    assert found == [True, False, True, False, True, False, True, False, True, False, True, None, None, None]
    assert reasons == {NO_BOOLEAN: [11, 12]}


def test_numbers_other_than_0_and_1_are_no_booleans():
    assert read(pa.array([1.0, 0.0, 0.5, math.nan]), ColumnType.BOOLEAN) == (
        [True, False, None, None],
        {NO_BOOLEAN: [2]},
    )
    assert read(pa.array([1, 0, 2], pa.int8()), ColumnType.BOOLEAN) == ([True, False, None], {NO_BOOLEAN: [2]})


def test_column_that_has_its_type_is_not_copied():
    table = pa.table({"a": [1.5], "b": [1], "c": ["é"], "d": [True]})
    types = {"a": ColumnType.FLOAT, "b": ColumnType.INTEGER, "c": ColumnType.CATEGORY, "d": ColumnType.BOOLEAN}

    found = conform(table, {name: Column(type=kind) for name, kind in types.items()}).table

    assert [found.column(name).chunk(0).buffers()[-1].address for name in types] == [
        table.column(name).chunk(0).buffers()[-1].address for name in types
    ]


def test_reasons_are_the_same_in_any_pieces():
    words = ["1", "x", "99999999999999999999", "2.0", None, "-"]
    whole = read(pa.array(words), ColumnType.INTEGER)
    pieces = [read(pa.array([word], pa.string()), ColumnType.INTEGER) for word in words]

    assert [value for values, _ in pieces for value in values] == whole[0]
    assert {reason: [row for row, (_, own) in enumerate(pieces) if reason in own] for reason in whole[1]} == whole[1]


@pytest.mark.parametrize("kind", [ColumnType.INTEGER, ColumnType.STRING])
def test_decimals_below_1_are_refused_where_they_are_not_whole(kind):
    values = pa.array([Decimal("0.75"), Decimal("0.00")], pa.decimal128(2, 2))

    found, refused = read(values, kind)

    assert [None if value is None else int(value) for value in found] == [None, 0]
    assert refused == {NOT_WHOLE: [0]}
