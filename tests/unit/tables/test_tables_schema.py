"""Columns are read as declared or refused; nothing is guessed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import conform, undeclared

LONG = Decimal("123456789012345678901234567890.123456789012345678901234567891")


def read(values: pa.Array, kind: ColumnType, timezone: str | None = None) -> list[object]:
    column = Column(type=kind, dimension=2 if kind is ColumnType.VECTOR else None)
    table = conform(pa.table({"x": values}), {"x": column}, timezone=timezone)
    return table.column("x").to_pylist()


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
        pytest.param(pa.array([Decimal("0.07")]), ColumnType.FLOAT, [0.07], id="decimal-as-nearest-float"),
    ],
)
def test_conform_reads_what_fits(values, kind, expected):
    assert read(values, kind) == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_booleans_are_read_by_the_texts_of_their_column(kind):
    column = Column(type=ColumnType.BOOLEAN, classes=("paid", "lost"))

    read_texts = conform(pa.table({"x": pa.array(["lost", None, "paid"]).cast(kind)}), {"x": column})
    read_flags = conform(pa.table({"x": pa.array([1, 0])}), {"x": column})

    assert read_texts.column("x").to_pylist() == [True, None, False]
    assert read_flags.column("x").to_pylist() == [True, False]
    with pytest.raises(SchemaMismatchError, match="cannot be read as boolean"):
        conform(pa.table({"x": pa.array(["lost", "Paid"]).cast(kind)}), {"x": column})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(pa.array(["1.5"]), ColumnType.FLOAT, id="text-as-float"),
        pytest.param(pa.array([1.5]), ColumnType.INTEGER, id="fraction-as-integer"),
        pytest.param(pa.array([2]), ColumnType.BOOLEAN, id="two-as-boolean"),
        pytest.param(pa.array([1.5]), ColumnType.CATEGORY, id="float-as-category"),
        pytest.param(pa.array(["2026-01-01"]), ColumnType.TIMESTAMP, id="text-as-time"),
        pytest.param(pa.array([datetime(2026, 1, 1)]), ColumnType.TIMESTAMP, id="time-without-zone"),  # noqa: DTZ001
        pytest.param(pa.array([[1.0]]), ColumnType.FLOAT, id="list"),
        pytest.param(pa.array([0.5]), ColumnType.DECIMAL, id="float-as-decimal"),
        pytest.param(pa.array(["1e5"]), ColumnType.DECIMAL, id="exponent-as-decimal"),
        pytest.param(pa.array([" 1"]), ColumnType.DECIMAL, id="space-as-decimal"),
        pytest.param(pa.array(["1" * 77]), ColumnType.DECIMAL, id="77-digits"),
        pytest.param(pa.array([True]), ColumnType.DECIMAL, id="boolean-as-decimal"),
        pytest.param(pa.array(["ab"]), ColumnType.VECTOR, id="text-as-vector"),
        pytest.param(pa.array([["a"]]), ColumnType.VECTOR, id="texts-as-vector"),
        pytest.param(pa.array([[2**53 + 1]]), ColumnType.VECTOR, id="integers-that-no-double-holds"),
    ],
)
def test_conform_refuses_what_does_not_fit(values, kind):
    with pytest.raises(SchemaMismatchError, match=f"column 'x' is .* cannot be read as {kind}"):
        read(values, kind)


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
    column = conform(pa.table({"x": values}), {"x": Column(type=ColumnType.VECTOR, dimension=2)}).column("x")

    assert column.type == pa.list_(element)
    assert column.to_pylist() == values.to_pylist()


def test_conform_takes_naive_times_in_the_declared_zone():
    naive = pa.array([datetime(2026, 1, 1, 12)])  # noqa: DTZ001 - the point of the test

    assert read(naive, ColumnType.TIMESTAMP, "America/New_York") == [datetime(2026, 1, 1, 17, tzinfo=UTC)]


def test_conform_names_a_missing_column():
    with pytest.raises(SchemaMismatchError, match="column 'y' is missing"):
        conform(pa.table({"x": [1]}), {"y": Column(type=ColumnType.FLOAT)})


def test_undeclared_lists_columns_that_the_spec_does_not_name():
    assert undeclared(pa.table({"b": [1], "a": [1], "x": [1]}), ["x"]) == ["a", "b"]


def test_times_without_a_zone_are_refused_with_what_to_set():
    with pytest.raises(SchemaMismatchError, match=r"cannot be read as timestamp: set predictions.timezone in the spec"):
        read(pa.array([datetime(2026, 1, 1)]), ColumnType.TIMESTAMP)  # noqa: DTZ001 - that is the point


def test_times_that_their_zone_does_not_have_are_not_blamed_on_a_missing_zone():
    skipped = pa.array([datetime(2026, 3, 29, 2, 30)])  # noqa: DTZ001 - clocks go from 2 to 3 on that day
    with pytest.raises(SchemaMismatchError, match=r"cannot be read as timestamp$"):
        read(skipped, ColumnType.TIMESTAMP, timezone="Europe/Berlin")
