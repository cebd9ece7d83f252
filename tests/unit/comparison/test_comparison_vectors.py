"""Two data sets with columns of lists and of decimals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import airflow_mlmon
from airflow_mlmon.records import VerdictState


def vectors(rows: int, seed: int, *, axis: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(0, 0.3, (rows, 6))
    drawn[:, axis] += 1
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def to_table(values: np.ndarray, kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"v": pa.array(values.tolist(), kind or pa.list_(pa.float64()))})


def compare(reference, current, **options):
    (column,) = airflow_mlmon.compare(reference, current, **options).columns
    return column


def test_rotation_is_drift_by_the_mean():
    found = airflow_mlmon.compare(to_table(vectors(400, 1)), to_table(vectors(300, 2, axis=3)))

    assert found.drifted == ("v",)
    assert found.columns[0].content == "vectors"
    assert found.columns[0].score == 0
    assert found.columns[0].note.startswith("mean shift ")
    assert found.to_dict()["columns"][0]["mean_shift"] > 2


def test_draws_of_one_distribution_do_not_drift():
    states = [compare(to_table(vectors(300, seed)), to_table(vectors(300, seed + 99))).state for seed in range(12)]

    assert states == [VerdictState.OK] * 12


def test_files_streamed_by_the_engine_and_frames_say_the_same(tmp_path):
    reference, current = vectors(4_000, 1), vectors(4_000, 2, axis=1)
    paths = [tmp_path / "reference.parquet", tmp_path / "current.parquet"]
    for path, values in zip(paths, (reference, current), strict=True):
        pq.write_table(to_table(values, pa.list_(pa.float64(), 6)), path, row_group_size=999)

    streamed = compare(*map(str, paths))
    framed = compare(
        to_table(reference, pa.list_(pa.float64(), 6)).to_reader(700), to_table(current, pa.large_list(pa.float64()))
    )

    assert (streamed.shift, streamed.score, streamed.p_value) == (framed.shift, framed.score, framed.p_value)


def test_current_vectors_of_another_dimension_are_empty_and_told():
    current = pa.table({"v": pa.array([*vectors(200, 2).tolist(), *[[1.0] * 7] * 100])})

    found = compare(to_table(vectors(300, 1)), current)

    assert found.state is VerdictState.BREACH
    assert "null rate changed from 0.0% to 33.3%" in found.note
    assert "100 vectors of current of another dimension or with a null element not compared" in found.note


@pytest.mark.parametrize(
    "values", [[[1.0], [1.0, 2.0]] * 100, [None] * 200, [[]] * 200], ids=["ragged", "null", "empty"]
)
def test_lists_that_are_no_vectors_are_told(values):
    table = pa.table({"v": pa.array(values, pa.list_(pa.float64()))})

    found = compare(table, table)

    assert found.state is VerdictState.INSUFFICIENT_DATA
    assert found.note == "no vectors: the first rows of the reference contain no lists, or lists of different lengths"


def test_method_of_rows_refuses_a_vector():
    found = compare(to_table(vectors(100, 1)), to_table(vectors(100, 2)), method="anderson")

    assert found.state is VerdictState.INSUFFICIENT_DATA
    assert found.note == "not compared: anderson needs rows, and samples contain no vectors"


def test_decimals_are_compared_as_the_numbers_they_are():
    values = np.random.default_rng(1).integers(0, 10**6, 500).tolist()
    decimals = pa.table({"x": pa.array([Decimal(value).scaleb(-2) for value in values])})
    doubles = pa.table({"x": [value / 100 for value in values]})

    found = compare(decimals, doubles)

    assert (found.state, found.score, found.content) == (VerdictState.OK, 0.0, "numbers")


def test_pages_and_notebooks_show_a_vector():
    found = airflow_mlmon.compare(to_table(vectors(400, 1)), to_table(vectors(300, 2, axis=3)))

    assert "mean shift" in found.to_html()
    assert "mean shift" in found._repr_html_()
    assert "dimension 6; norm: min 1.000" in airflow_mlmon.profile(to_table(vectors(400, 1)))._repr_html_()
