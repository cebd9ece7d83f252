"""Files of one day whose columns are of different types: read as declared, or null with the reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation.read import ListedSource, read_files
from airflow_mlmon.archive.layouts.layout import list_below
from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.storage.local import LocalStore

DECIMAL = {"x": Column(type=ColumnType.DECIMAL)}
VECTOR = {"x": Column(type=ColumnType.VECTOR, dimension=2)}


def read_day(folder: Path, columns: dict[str, Column], *values: pa.Array):
    for number, column in enumerate(values):
        pq.write_table(pa.table({"x": column}), folder / f"part-{number}.parquet")
    store = LocalStore()
    return read_files(ListedSource(store=store, files=list_below(store, str(folder)).files, columns=columns))


def test_decimals_of_all_files_keep_every_digit(tmp_path):
    table, files = read_day(
        tmp_path,
        DECIMAL,
        pa.array([Decimal("1.50")]),
        pa.array([2**63 - 1]),
        pa.array(["0.0000000001"]),
        pa.array([Decimal(12345678901234567890123456789012345678)]),
        pa.nulls(1),
    )

    assert not any(file.problem for file in files)
    assert table.column("x").to_pylist() == [
        Decimal("1.50"),
        Decimal(2**63 - 1),
        Decimal("0.0000000001"),
        Decimal(12345678901234567890123456789012345678),
        None,
    ]


def test_decimals_that_do_not_go_with_those_before_are_null(tmp_path):
    table, files = read_day(
        tmp_path, DECIMAL, pa.array([Decimal(f"0.{'1' * 60}")]), pa.array([Decimal("9" * 60)]), pa.array([1, 2])
    )

    assert table.column("x").to_pylist() == [Decimal(f"0.{'1' * 60}"), None, 1, 2]
    clash = "x has decimal256(60, 0) beside decimal256(61, 60), which together exceed the digits of a decimal"
    assert [file.faults for file in files] == [{}, {clash: 1}, {}]


def test_vectors_of_files_of_other_types_are_read_in_the_longer_one(tmp_path):
    table, files = read_day(
        tmp_path,
        VECTOR,
        pa.array([[1.5, 2.5]], pa.list_(pa.float32(), 2)),
        pa.array([[0.1, 0.2], None], pa.list_(pa.float64())),
        pa.array([["a"]]),
    )

    assert table.column("x").to_pylist() == [[1.5, 2.5], [0.1, 0.2], None, None]
    assert files[2].faults == {"column 'x' is list<element: string>, which cannot be read as vector": 1}


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (ColumnType.FLOAT, "x is not a number"),
        (ColumnType.INTEGER, "x is not a whole number"),
        (ColumnType.BOOLEAN, "x is not a boolean (0/1, true/false, yes/no)"),
        (ColumnType.TIMESTAMP, "x is not a time (ISO 8601, or a number since 1970)"),
        (ColumnType.DECIMAL, "x is not a number of plain digits"),
        (ColumnType.VECTOR, "column 'x' is string, which cannot be read as vector"),
    ],
)
def test_column_of_another_type_is_null_in_its_file(tmp_path, kind, problem):
    column = Column(type=kind, dimension=2 if kind is ColumnType.VECTOR else None)

    table, files = read_day(tmp_path, {"x": column}, pa.nulls(3), pa.array(["a word"]))

    assert table.column("x").to_pylist() == [None, None, None, None]
    assert [file.faults for file in files] == [{}, {problem: 1}]


@pytest.mark.guards("fault-19")
def test_integers_beyond_2_53_are_read_beside_nulls(tmp_path):
    values = [2**60 + number for number in range(5)] + [None]
    table, _ = read_day(tmp_path, {"x": Column(type=ColumnType.INTEGER)}, pa.array(values), pa.array([1.0, np.nan]))

    assert table.column("x").to_pylist() == [*values, 1, None]
