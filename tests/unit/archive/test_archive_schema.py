"""Columns are read as declared or refused; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from airflow_mlmon.archive.schema import conform, undeclared
from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import Column, ColumnType


def read(values: pa.Array, kind: ColumnType, timezone: str | None = None) -> list[object]:
    table = conform(pa.table({"x": values}), {"x": Column(type=kind)}, timezone=timezone)
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
    ],
)
def test_conform_reads_what_fits(values, kind, expected):
    assert read(values, kind) == expected


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
    ],
)
def test_conform_refuses_what_does_not_fit(values, kind):
    with pytest.raises(SchemaMismatchError, match=f"column 'x' is .* cannot be read as {kind}"):
        read(values, kind)


def test_conform_takes_naive_times_in_the_declared_zone():
    naive = pa.array([datetime(2026, 1, 1, 12)])  # noqa: DTZ001 - the point of the test

    assert read(naive, ColumnType.TIMESTAMP, "America/New_York") == [datetime(2026, 1, 1, 17, tzinfo=UTC)]


def test_conform_names_a_missing_column():
    with pytest.raises(SchemaMismatchError, match="column 'y' is missing"):
        conform(pa.table({"x": [1]}), {"y": Column(type=ColumnType.FLOAT)})


def test_undeclared_lists_columns_that_the_spec_does_not_name():
    assert undeclared(pa.table({"b": [1], "a": [1], "x": [1]}), ["x"]) == ["a", "b"]
