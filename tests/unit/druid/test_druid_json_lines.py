from __future__ import annotations

import gzip
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.tables import build_metrics_table, select_columns
from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import MetricValue


def rows_of(data):
    return [json.loads(line) for line in gzip.decompress(data).decode().splitlines()]


def written(**columns):
    return rows_of(write_json_lines(pa.table(columns)))


def test_what_json_has_no_word_for_is_null():
    assert written(x=[0.5, math.nan, math.inf, -math.inf, None]) == [{"x": v} for v in (0.5, None, None, None, None)]


def test_integers_beyond_the_doubles_are_text():
    edge = 2**53

    assert [row["n"] for row in written(n=[edge, edge + 1, -edge, -edge - 1, None])] == [
        edge,
        str(edge + 1),
        -edge,
        str(-edge - 1),
        None,
    ]
    assert written(n=pa.array([2**64 - 1], pa.uint64())) == [{"n": str(2**64 - 1)}]


def test_times_are_iso_in_utc():
    moment = datetime(2013, 3, 8, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=-5)))
    zoned = pa.array([moment, None], pa.timestamp("us", "America/New_York"))
    naive = pa.array([datetime(2013, 3, 8), None], pa.timestamp("ms"))  # noqa: DTZ001 - that is the point

    assert written(a=zoned, b=naive) == [
        {"a": "2013-03-08T06:02:03.456789Z", "b": "2013-03-08T00:00:00.000Z"},
        {"a": None, "b": None},
    ]


def test_other_types_become_numbers_or_text():
    columns = {
        "flag": [True, False],
        "price": pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)),
        "day": pa.array([date(2013, 3, 8), None]),
        "word": pa.array(["a", "b"]).dictionary_encode(),
        "half": pa.array([0.5, 0.1], pa.float32()),
        "nothing": pa.nulls(2),
    }

    assert written(**columns) == [
        {"flag": 1, "price": "1.10", "day": "2013-03-08", "word": "a", "half": 0.5, "nothing": None},
        {"flag": 0, "price": None, "day": None, "word": "b", "half": 0.10000000149011612, "nothing": None},
    ]


def test_a_type_that_is_not_loaded_is_named():
    with pytest.raises(SchemaMismatchError, match="'x' is of type list"):
        write_json_lines(pa.table({"x": [[1]]}))


def test_no_rows_are_no_lines():
    assert gzip.decompress(write_json_lines(pa.table({"x": pa.array([], pa.float64())}))) == b""


def test_the_same_table_gives_the_same_bytes_over_many_batches():
    table = pa.table({"n": range(100_000)})

    assert write_json_lines(table) == write_json_lines(
        pa.concat_tables([table.slice(0, 7), table.slice(7)]).combine_chunks()
    )
    assert [row["n"] for row in rows_of(write_json_lines(table))] == list(range(100_000))


@given(st.lists(st.tuples(st.floats() | st.none(), st.text() | st.none(), st.integers(-(2**63), 2**63 - 1))))
def test_every_row_can_be_read_back(rows):
    table = pa.table(
        {
            "x": pa.array([row[0] for row in rows], pa.float64()),
            'na"me\n': pa.array([row[1] for row in rows], pa.string()),
            "n": pa.array([row[2] for row in rows], pa.int64()),
        }
    )

    lines = gzip.decompress(write_json_lines(table)).decode().split("\n")[:-1]
    read = [tuple(json.loads(line).values()) for line in lines]

    assert [(x, text, int(n)) for x, text, n in read] == [
        (x if x is not None and math.isfinite(x) else None, text, n) for x, text, n in rows
    ]


def test_personal_columns_stay_behind():
    datasource = Datasource(name="t", time_column="at", dimensions=(Dimension(name="x", type=DimensionType.DOUBLE),))
    table = pa.table({"email": ["a@b"], "x": [1.0], "at": [datetime(2013, 3, 8, tzinfo=UTC)]})

    assert select_columns(table, datasource).column_names == ["at", "x"]
    with pytest.raises(SchemaMismatchError, match="'x'"):
        select_columns(table.drop(["x"]), datasource)


TIME = "2013-03-08T00:00:00.000000Z"


def test_metrics_become_rows_at_the_start_of_the_partition():
    partition = Partition.of_day("flights", date(2013, 3, 8))
    values = [
        MetricValue(metric="null_rate", column="wind", segment="origin=JFK", value=0.25, rows=8),
        MetricValue(metric="accuracy", value=None, rows=0),
        MetricValue(metric="f1", value=0.5, rows=8, low=0.25, high=0.75, constant=0.125),
    ]
    of_all = {"time": TIME, "column": None, "segment": None}
    nothing = {"low": None, "high": None, "constant": None}

    assert rows_of(write_json_lines(build_metrics_table(partition, values))) == [
        {"time": TIME, "metric": "null_rate", "column": "wind", "segment": "origin=JFK", "value": 0.25, "rows": 8}
        | nothing,
        of_all | {"metric": "accuracy", "value": None, "rows": 0} | nothing,
        of_all | {"metric": "f1", "value": 0.5, "rows": 8, "low": 0.25, "high": 0.75, "constant": 0.125},
    ]
