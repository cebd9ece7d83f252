"""A comparison says the same of a data set in every format, and finds no drift in what is none."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import airflow_mlmon
from airflow_mlmon.errors import DataError
from airflow_mlmon.records import VerdictState
from tests.support.comparison import make_rows, write_parquet, write_text
from tests.support.written import to_array, to_avro, to_orc


def frame(rows, seed, start=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"order_id": np.arange(start, start + rows), "amount": rng.normal(size=rows)})


def found_of(result, column):
    return next(found for found in result.columns if found.column == column)


def to_lines(path, days):
    rows = [{"signup": day, "x": float(number % 50)} for number, day in enumerate(days)]
    return write_text(path, "".join(f"{json.dumps(row)}\n" for row in rows))


def test_running_numbers_are_no_drift(tmp_path):
    for name, data in {"ref": frame(5_000, 1, 100_001), "cur": frame(1_200, 2, 200_001)}.items():
        data.to_csv(tmp_path / f"{name}.csv")

    result = airflow_mlmon.compare(tmp_path / "ref.csv", tmp_path / "cur.csv")

    for name in ("", "order_id"):
        assert found_of(result, name).state is VerdictState.INSUFFICIENT_DATA
        assert found_of(result, name).note == "row numbers are not compared"
    assert found_of(result, "amount").state is VerdictState.OK


def test_index_of_a_frame_is_no_drift(tmp_path):
    reference, current = frame(5_000, 1), frame(5_000, 2)
    current = current[current.amount > -10].iloc[::4]
    reference.iloc[::2].to_parquet(tmp_path / "ref.parquet")
    current.to_parquet(tmp_path / "cur.parquet")

    for pair in ((tmp_path / "ref.parquet", tmp_path / "cur.parquet"), (reference.iloc[::2], current)):
        result = airflow_mlmon.compare(*pair)
        index = [found for found in result.columns if found.column == "__index_level_0__"]
        assert [found.note for found in index] == ["row numbers are not compared"] * len(index)
        assert found_of(result, "amount").state is VerdictState.OK


def test_whole_numbers_that_are_no_row_numbers_are_compared():
    rng = np.random.default_rng(1)
    sides = [pa.table({"x": rng.integers(0, 1_000, 1_000) + start}) for start in (0, 700)]

    assert found_of(airflow_mlmon.compare(*sides), "x").state is VerdictState.BREACH


@pytest.mark.parametrize("odd", [None, "", "2026-03-01T00:00:00.123"])
def test_dates_are_the_same_in_json_and_csv(tmp_path, odd):
    first = [f"2026-01-{1 + n % 31:02}" for n in range(500)]
    second = [f"2026-03-{1 + n % 31:02}" for n in range(500)]
    second[7] = second[7] if odd is None else odd
    notes = {}
    for ending in ("jsonl", "csv"):
        paths = [tmp_path / f"{side}.{ending}" for side in ("ref", "cur")]
        for path, days in zip(paths, (first, second), strict=True):
            if ending == "jsonl":
                to_lines(path, days)
            else:
                write_text(path, "signup,x\n" + "".join(f"{day},{n % 50}\n" for n, day in enumerate(days)))
        found = found_of(airflow_mlmon.compare(*paths), "signup")
        notes[ending] = (found.state, found.note)

    assert notes["jsonl"] == notes["csv"] == (VerdictState.INSUFFICIENT_DATA, "dates (dates) are not compared")


def test_nan_of_python_is_a_missing_number(tmp_path):
    values = [math.nan if n % 100 == 0 else float(n % 50) for n in range(300)]
    write_text(tmp_path / "x.jsonl", "".join(json.dumps({"x": one}) + "\n" for one in values))

    profile = airflow_mlmon.profile(tmp_path / "x.jsonl").profile.columns["x"]

    assert (profile.rows, profile.missing) == (300, 3)


def test_array_and_long_line_are_read(tmp_path):
    rows = make_rows(300, 1)
    (tmp_path / "a.json").write_bytes(to_array(rows))
    long = [{"x": n, "image": "y" * ((17 << 20) if n == 150 else 5)} for n in range(300)]
    write_text(tmp_path / "long.jsonl", "".join(json.dumps(row) + "\n" for row in long))

    assert airflow_mlmon.profile(tmp_path / "a.json").profile.rows == 300
    assert airflow_mlmon.profile(tmp_path / "long.jsonl").profile.rows == 300


def test_avro_and_orc_say_the_same_as_parquet(tmp_path):
    types = {"amount": pa.float64(), "age": pa.int64(), "channel": pa.string(), "repeat": pa.bool_()}
    rows = make_rows(400, 1).select(list(types)).cast(pa.schema(list(types.items())))
    parquet = write_parquet(tmp_path / "r.parquet", rows)
    for name, write in {"r.avro": to_avro, "r.orc": to_orc}.items():
        (tmp_path / name).write_bytes(write(rows))
        scores = [found.score for found in airflow_mlmon.compare(parquet, tmp_path / name).columns if found.method]
        assert scores == [0, 0, 0, 0]


def test_name_that_is_there_twice_is_named(tmp_path):
    twice = pa.Table.from_arrays([pa.array([1.0] * 50), pa.array([2.0] * 50)], names=["x", "x"])
    path = write_parquet(tmp_path / "x.parquet", twice)

    with pytest.raises(DataError, match=r"Column 'x' occurs twice in .*x\.parquet"):
        airflow_mlmon.profile(path)


def test_checkpoints_and_hidden_folders_are_no_data(tmp_path):
    for folder in ("", ".ipynb_checkpoints/", "_temporary/0/"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        write_parquet(tmp_path / folder / "x.parquet", make_rows(100, 1))

    assert airflow_mlmon.profile(tmp_path).profile.rows == 100
