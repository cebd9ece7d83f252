"""Bad input of every column type: profiled, added and compared without a crash, and nothing dropped."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.profiles.engine.local import profile_parquet, profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import arrow_schema
from tests.support.profiles import make_spec

VALUES = {
    ColumnType.FLOAT: 1.5,
    ColumnType.INTEGER: 2**60 + 1,
    ColumnType.BOOLEAN: True,
    ColumnType.STRING: "a",
    ColumnType.CATEGORY: "b",
    ColumnType.TIMESTAMP: datetime(2026, 3, 1, 12, tzinfo=UTC),
    ColumnType.DECIMAL: Decimal("12.50"),
    ColumnType.VECTOR: [3.0, 4.0],
}
every_type = pytest.mark.parametrize("kind", list(ColumnType))


def column_of(kind: ColumnType, values: list) -> pa.Table:
    dimension = 2 if kind is ColumnType.VECTOR else None
    declared = arrow_schema({"x": Column(type=kind, dimension=dimension)}).field("x").type
    return pa.table({"x": pa.array(values, pa.decimal128(9, 2) if kind is ColumnType.DECIMAL else declared)})


def schema_of(kind: ColumnType, table: pa.Table):
    return pin_schema(make_spec(x={"type": kind, "dimension": 2 if kind is ColumnType.VECTOR else None}), table)


def verdict_of(kind: ColumnType, reference: pa.Table, current: pa.Table):
    schema = schema_of(kind, reference)
    sides = [profile_table(side, schema) for side in (reference, current)]
    (found,) = compare_profiles(schema, *sides, method="psi")
    return found


@every_type
@pytest.mark.parametrize("rows", [0, 40], ids=["empty", "all-null"])
@pytest.mark.parametrize("side", ["reference", "current", "both"])
def test_column_without_values_has_no_verdict_and_says_why(kind, rows, side):
    empty, full = column_of(kind, [None] * rows), column_of(kind, [VALUES[kind]] * 40)
    reference, current = (empty if side in (name, "both") else full for name in ("reference", "current"))

    found = verdict_of(kind, reference, current)

    assert found.score is None
    assert (f"all null ({rows} rows)" if rows else "has no rows") in found.note


@every_type
def test_column_missing_on_one_side_has_no_verdict_and_says_why(kind):
    full = column_of(kind, [VALUES[kind]] * 40)
    without = pa.table({"other": [1] * 40})

    assert "the partition does not have the column" in verdict_of(kind, full, without).note
    assert "the reference does not have the column" in verdict_of(kind, without, full).note


@pytest.mark.guards("fault-23")
@every_type
def test_single_row_is_profiled_and_not_evaluated(kind):
    found = verdict_of(kind, column_of(kind, [VALUES[kind]]), column_of(kind, [VALUES[kind]]))

    assert found.score is None
    assert "has 1 values, fewer than 30" in found.note
    assert (found.rows_reference, found.rows_current) == (1, 1)


@every_type
def test_profile_of_bad_rows_adds_up_and_survives_its_bytes(kind):
    table = column_of(kind, [None, VALUES[kind], None, VALUES[kind]])
    schema = schema_of(kind, table)
    whole = profile_table(table, schema)
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=1)

    assert sum((profile_table(table.slice(at, 1), schema) for at in range(4)), Profile.empty(schema)) == whole
    assert profile_parquet([sink.getvalue()], schema) == whole == Profile.from_bytes(whole.to_bytes())
    assert (whole.columns["x"].rows, whole.columns["x"].nulls, whole.columns["x"].observed) == (4, 2, 2)


@pytest.mark.guards("fault-22")
@pytest.mark.parametrize(
    ("kind", "infinite"),
    [
        pytest.param(ColumnType.FLOAT, [math.inf, -math.inf], id="float"),
        pytest.param(ColumnType.VECTOR, [[math.inf, 0.0], [1.0, -math.inf]], id="vector"),
    ],
)
def test_infinite_values_are_counted_apart(kind, infinite):
    full = column_of(kind, [VALUES[kind]] * 40)

    mixed = verdict_of(kind, full, column_of(kind, [VALUES[kind]] * 40 + infinite))
    alone = verdict_of(kind, full, column_of(kind, infinite * 20))

    assert (mixed.score, mixed.rows_current) == (0, 40)
    assert mixed.note.endswith(
        "of the partition not compared" if kind is ColumnType.FLOAT else "infinite element not compared"
    )
    assert alone.score is None
    assert alone.note == "the partition has no finite value in 40 rows"


def test_million_categories_are_counted_in_bounded_space():
    texts = np.char.add("value-", np.arange(1_000_000).astype(str))
    table = pa.table({"x": pa.array(texts)})
    schema = schema_of(ColumnType.CATEGORY, table)

    profile = profile_table(table, schema)

    column = profile.columns["x"]
    assert (column.rows, column.known.rows, column.unseen_rows) == (1_000_000, 1_000, 999_000)
    assert column.distinct == pytest.approx(1_000_000, rel=0.1)
    assert len(profile.to_bytes()) < 40_000
