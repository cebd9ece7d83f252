"""Columns of more than 2 GiB of text, which no array of Arrow holds: of few rows, whose texts lie in memory once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.profiles.engine.hash_sample import HashSample, sample_by_hash
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.tasks.parts import profile_outcome_parts
from airflow_mlmon.tasks.ranking.description import Ranking

CHUNKS = 17


@pytest.fixture(scope="module")
def texts() -> pa.ChunkedArray:
    column = pa.chunked_array([pa.array(["a" * (1 << 27), "b"])] * CHUNKS)
    assert pc.sum(pc.binary_length(column)).as_py() > 1 << 31
    return column


def test_ids_are_hashed(texts):
    hashes = hash_ids(texts)

    assert hashes.reshape(CHUNKS, 2).tolist() == [hash_ids(texts.slice(0, 2)).tolist()] * CHUNKS


def test_a_ranking_is_measured(texts):
    def profiled(group: pa.ChunkedArray, item: pa.ChunkedArray) -> bytes:
        rows = len(group)
        joined = pa.table(
            {
                "score": [float(row) for row in range(rows)],
                "rank": pa.nulls(rows, pa.int64()),
                "group": group,
                "item": item,
                "label": [float(row % 3 == 0) for row in range(rows)],
                "excluded": [False] * rows,
            }
        )
        task, segment = Ranking(cutoff=2), SegmentSchema(columns=("half",))
        halves = pa.table({"half": ["first"] * (rows // 2) + ["second"] * (rows // 2)})
        schema = task.pin_outcomes({}, joined)
        return profile_outcome_parts(task, joined, halves, [segment], schema).to_bytes()

    items = pa.chunked_array([["x", "y"]] * CHUNKS)

    assert profiled(texts, items) == profiled(pa.chunked_array([["a", "b"]] * CHUNKS), items)
    assert profiled(items, texts)


def test_a_sample_of_rows_has_the_start_of_their_texts(texts):
    hashes = np.arange(2 * CHUNKS)
    table = pa.table({"x": texts, "row": hashes})
    sample = HashSample()

    for start in range(0, table.num_rows, 10):
        sample.add(table.slice(start, 10), hashes[start : start + 10])

    found = sample.table()
    assert found.column("row").to_pylist() == hashes.tolist()
    assert found.column("x").to_pylist() == ["a" * 4_096, "b"] * CHUNKS
    assert found.equals(sample_by_hash(table, hashes))
    assert found.schema == table.schema
