"""Rows on disk: row groups that depend on the rows alone, of bounded size, in the encoding that pays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation import groups, hash_log
from airflow_mlmon.archive.curation.keyed import Keyed
from airflow_mlmon.archive.curation.spool import Spool


def written(folder: Path, table: pa.Table, batch: int) -> Path:
    """A finished spool of the table, added in batches."""
    folder.mkdir()
    rows = Spool(folder, "rows")
    for start in range(0, table.num_rows, batch):
        rows.add(table.slice(start, batch))
    return rows.finish()


def texts_and_vectors(rows: int) -> pa.Table:
    """Rows whose size varies between nothing and a thousand bytes."""
    random = np.random.default_rng(3)
    texts = ["x" * size for size in random.integers(0, 1_000, rows)]
    vectors = [[1.0] * size for size in random.integers(0, 50, rows)]
    return pa.table({"text": texts, "vector": pa.array(vectors, pa.list_(pa.float32()))})


@pytest.mark.parametrize("columns", [["text"], ["text", "vector"]])
def test_groups_are_the_same_for_any_batches(monkeypatch, tmp_path, columns):
    monkeypatch.setattr(groups, "GROUP_BYTES", 20_000)
    monkeypatch.setattr(groups, "GROUP_ROWS", 50)
    table = texts_and_vectors(500).select(columns)
    sizes = groups._bytes_by_row(table)

    files = [written(tmp_path / str(batch), table, batch) for batch in (1, 7, 64, 500)]

    contents = [file.read_bytes() for file in files]
    assert all(content == contents[0] for content in contents)
    footer = pq.read_metadata(files[0])
    ends = np.cumsum([footer.row_group(number).num_rows for number in range(footer.num_row_groups)])
    assert len(ends) > 10
    assert all(part.sum() <= 20_000 for part in np.split(sizes, ends[:-1]))


def test_a_row_larger_than_a_group_is_one(monkeypatch, tmp_path):
    monkeypatch.setattr(groups, "GROUP_BYTES", 1_000)
    table = pa.table({"text": ["a" * 5_000, "b", "c" * 900, "d" * 200]})

    footer = pq.read_metadata(written(tmp_path / "rows", table, 2))

    assert [footer.row_group(number).num_rows for number in range(footer.num_row_groups)] == [1, 2, 1]


def test_a_dictionary_is_made_where_values_repeat(tmp_path):
    random = np.random.default_rng(2)
    table = pa.table(
        {
            "id": [f"id-{number}" for number in range(50_000)],
            "level": random.choice(["low", "high"], 50_000),
            "rounded": np.round(random.normal(size=50_000), 2),
            "exact": random.normal(size=50_000),
            "nothing": pa.nulls(50_000, pa.float64()),
        }
    )

    group = pq.read_metadata(written(tmp_path / "rows", table, 1 << 14)).row_group(0)

    encoded = {group.column(number).path_in_schema: group.column(number).encodings for number in range(5)}
    assert [name for name, kinds in encoded.items() if "RLE_DICTIONARY" not in kinds] == ["id", "exact"]


def test_texts_have_no_statistics(tmp_path):
    table = pa.table({"id": ["a", "b"], "score": [0.5, 1.5]})

    group = pq.read_metadata(written(tmp_path / "rows", table, 2)).row_group(0)

    assert group.column(0).statistics is None
    assert (group.column(1).statistics.min, group.column(1).statistics.max) == (0.5, 1.5)


@pytest.mark.parametrize("most", [50, 300, 10_000])
def test_hashes_are_ordered_in_ranges(monkeypatch, tmp_path, most):
    monkeypatch.setattr(hash_log, "_SORTED", most)
    monkeypatch.setattr(hash_log, "_BLOCK", 64)
    values = np.random.default_rng(4).integers(0, 2**63, 1_000)
    values[::10], values[5], values[6:9] = -1 - np.arange(100), 2**63 - 1, 0
    log = hash_log.HashLog(tmp_path / "hashes")

    log.add(values)

    assert np.concatenate(list(log.ranges())).tolist() == sorted(value for value in values.tolist() if value >= 0)
    assert log.doubled().tolist() == [0]
    assert log.positions_of(log.doubled()).tolist() == [6, 7, 8]


def test_rows_are_taken_up_again_with_their_hashes(tmp_path):
    def key(table: pa.Table) -> pa.ChunkedArray:
        return table.column("id")

    first = Keyed(tmp_path, "first", key)
    for ids in (["a", "b", None], ["b", "c", "a"]):
        first.add(pa.table({"id": ids, "x": [1.0, 2.0, 3.0]}))
    (tmp_path / "other").mkdir()

    again = Keyed.restore(tmp_path / "other", "again", key, first.rows.finish(), first.hashes)

    equal, other = again.find_repeated()
    assert (equal.tolist(), other.tolist()) == ([], [3, 5])
    again.drop({"twice": other}, quarantine := Spool(tmp_path / "other", "quarantine"))
    assert pq.read_table(again.rows.finish()).column("id").to_pylist() == ["a", "b", None, "c"]
    assert pq.read_table(quarantine.finish()).column("id").to_pylist() == ["b", "a"]
    assert again.sample().column("id").to_pylist() == ["a", "b", None, "c"]
