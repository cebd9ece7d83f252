"""Columns are converted value by value without loss; what cannot be read is null, with a reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import Conformed, conform, undeclared

LONG = Decimal("123456789012345678901234567890.123456789012345678901234567891")


def read(values: pa.Array, kind: ColumnType, timezone: str | None = None) -> Conformed:
    column = Column(type=kind, dimension=2 if kind is ColumnType.VECTOR else None)
    return conform(pa.table({"x": values}), {"x": column}, timezone=timezone)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        pytest.param(pa.array([1, None], pa.int32()), ColumnType.FLOAT, [1.0, None], id="integer-as-float"),
        pytest.param(pa.array([Decimal("1.5")]), ColumnType.FLOAT, [1.5], id="decimal-as-float"),
        pytest.param(pa.array([3.0, float("nan")]), ColumnType.INTEGER, [3, None], id="pandas-integer-with-null"),
        pytest.param(pa.array([2**60 + 1]), ColumnType.INTEGER, [2**60 + 1], id="integer-beyond-2^53"),
        pytest.param(pa.array([1, 0, None]), ColumnType.BOOLEAN, [True, False, None], id="zero-one-as-boolean"),
        pytest.param(pa.array(["007", "NA"]), ColumnType.STRING, ["007", "NA"], id="text-stays-text"),
        pytest.param(pa.array([2**60 + 1]), ColumnType.STRING, [str(2**60 + 1)], id="numeric-id-as-text"),
        pytest.param(pa.array(["a", "b"]).dictionary_encode(), ColumnType.CATEGORY, ["a", "b"], id="dictionary"),
        pytest.param(pa.nulls(2), ColumnType.FLOAT, [None, None], id="all-null"),
        pytest.param(pa.array([Decimal("1.50"), None]), ColumnType.DECIMAL, [Decimal("1.50"), None], id="decimal"),
        pytest.param(pa.array([LONG]), ColumnType.DECIMAL, [LONG], id="decimal-of-60-digits"),
        pytest.param(
            pa.array([Decimal(1200)], pa.decimal128(4, -2)), ColumnType.DECIMAL, [Decimal(1200)], id="scale-below-0"
        ),
        pytest.param(
            pa.array([2**64 - 1], pa.uint64()), ColumnType.DECIMAL, [Decimal(2**64 - 1)], id="integer-as-decimal"
        ),
        pytest.param(pa.array([3.0, math.nan]), ColumnType.DECIMAL, [Decimal(3), None], id="pandas-whole-as-decimal"),
        pytest.param(
            pa.array(["-0.125", "+12", "007.5", None]),
            ColumnType.DECIMAL,
            [Decimal("-0.125"), Decimal(12), Decimal("7.5"), None],
            id="digits-as-decimal",
        ),
        pytest.param(
            pa.array([0.1, -12.25]), ColumnType.DECIMAL, [Decimal("0.1"), Decimal("-12.25")], id="short-float"
        ),
        pytest.param(pa.array([Decimal("0.07")]), ColumnType.FLOAT, [0.07], id="decimal-as-nearest-float"),
        pytest.param(
            pa.array(["1.5", "+2", "-3e2", ".5"]), ColumnType.FLOAT, [1.5, 2.0, -300.0, 0.5], id="text-as-float"
        ),
    ],
)
def test_conform_reads_what_fits(values, kind, expected):
    found = read(values, kind)

    assert found.table.column("x").to_pylist() == expected
    assert found.faults == ()


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_booleans_are_read_by_the_texts_of_their_column(kind):
    column = Column(type=ColumnType.BOOLEAN, classes=("paid", "lost"))

    read_texts = conform(pa.table({"x": pa.array(["lost", None, "Paid", "paid"]).cast(kind)}), {"x": column})
    read_flags = conform(pa.table({"x": pa.array([1, 0])}), {"x": column})

    assert read_texts.table.column("x").to_pylist() == [True, None, None, False]
    assert read_flags.table.column("x").to_pylist() == [True, False]
    assert [(fault.reason, fault.rows.tolist()) for fault in read_texts.faults] == [
        ("x is neither 'paid' nor 'lost'", [False, False, True, False])
    ]


@pytest.mark.guards("fault-17")
@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        pytest.param(pa.array(["1,5"]), ColumnType.FLOAT, "x is not a number", id="word-as-float"),
        pytest.param(pa.array([1.5]), ColumnType.INTEGER, "x is not a whole number", id="fraction-as-integer"),
        pytest.param(pa.array([2]), ColumnType.BOOLEAN, "x is not a boolean", id="two-as-boolean"),
        pytest.param(pa.array([1.5]), ColumnType.CATEGORY, "x is not a whole number", id="fraction-as-category"),
        pytest.param(pa.array(["01.02.2026"]), ColumnType.TIMESTAMP, "x is not a time", id="text-as-time"),
        pytest.param(
            pa.array([datetime(2026, 1, 1)]),  # noqa: DTZ001 - the point of the test
            ColumnType.TIMESTAMP,
            "x is a time without a zone: set predictions.timezone",
            id="time-without-zone",
        ),
        pytest.param(pa.array([[1.0]]), ColumnType.FLOAT, "which cannot be read as float", id="list"),
        pytest.param(pa.array([0.1 + 0.2]), ColumnType.DECIMAL, "x is a float of more than 15 digits", id="long-float"),
        pytest.param(pa.array(["1e5"]), ColumnType.DECIMAL, "x is not a number of plain digits", id="exponent"),
        pytest.param(pa.array([" 1"]), ColumnType.DECIMAL, "x is not a number of plain digits", id="space-as-decimal"),
        pytest.param(pa.array(["1" * 77]), ColumnType.DECIMAL, "x has more digits than a decimal", id="77-digits"),
        pytest.param(pa.array([True]), ColumnType.DECIMAL, "which cannot be read as decimal", id="boolean-as-decimal"),
        pytest.param(pa.array(["ab"]), ColumnType.VECTOR, "which cannot be read as vector", id="text-as-vector"),
        pytest.param(pa.array([["a"]]), ColumnType.VECTOR, "which cannot be read as vector", id="texts-as-vector"),
        pytest.param(
            pa.array([[2**53 + 1]]), ColumnType.VECTOR, "x has an element that no double holds", id="long-element"
        ),
    ],
)
def test_value_that_does_not_fit_is_null_with_its_reason(values, kind, reason):
    table, faults, _ = read(pa.concat_arrays([values, pa.nulls(1, values.type)]), kind)

    assert table.column("x").to_pylist() == [None, None]
    assert [fault.column for fault in faults] == ["x"]
    assert reason in faults[0].reason
    assert faults[0].rows[0]


@pytest.mark.parametrize(
    ("values", "element"),
    [
        pytest.param(pa.array([[1.5, 2.0], None], pa.list_(pa.float16())), pa.float32(), id="half"),
        pytest.param(pa.array([[1.5, 2.0], None], pa.list_(pa.float32(), 2)), pa.float32(), id="fixed-size"),
        pytest.param(pa.array([[1, 2], None], pa.list_(pa.int8())), pa.float32(), id="bytes"),
        pytest.param(pa.array([[0.1, 2.0], None], pa.large_list(pa.float64())), pa.float64(), id="large-double"),
        pytest.param(pa.array([[], [None]], pa.list_(pa.null())), pa.float32(), id="no-element"),
        pytest.param(pa.nulls(2), pa.float32(), id="all-null"),
    ],
)
def test_conform_reads_vectors_in_the_shorter_type_that_holds_them(values, element):
    column = read(values, ColumnType.VECTOR).table.column("x")

    assert column.type == pa.list_(element)
    assert column.to_pylist() == values.to_pylist()


def test_conform_takes_naive_times_in_the_declared_zone():
    naive = pa.array([datetime(2026, 1, 1, 12)])  # noqa: DTZ001 - the point of the test

    times = read(naive, ColumnType.TIMESTAMP, "America/New_York").table.column("x")

    assert times.to_pylist() == [datetime(2026, 1, 1, 17, tzinfo=UTC)]


def test_missing_column_costs_that_column_alone():
    declared = {"y": Column(type=ColumnType.FLOAT), "x": Column(type=ColumnType.INTEGER)}

    table, faults, _ = conform(pa.table({"x": [1, 2], "z": [3, 4]}), declared)

    assert table.to_pydict() == {"y": [None, None], "x": [1, 2]}
    assert [(fault.column, fault.reason, fault.rows.tolist()) for fault in faults] == [
        ("y", "column 'y' is missing", [True, True])
    ]


def test_undeclared_lists_columns_that_the_spec_does_not_name():
    assert undeclared(pa.table({"b": [1], "a": [1], "x": [1], "": [1], "__index_level_0__": [1]}), ["x"]) == ["a", "b"]
