"""Rows of files in bounded pieces, whatever their row groups and texts are."""

from __future__ import annotations

from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import UnreadableFileError
from airflow_mlmon.tables import avro, parquet
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.reading import Reading

BOUND, TEXT = 1 << 20, 100_000


def read(path: Path) -> list[pa.Table]:
    return [piece.table for piece in read_path(path, path.name, Reading())]


@pytest.mark.parametrize("distinct", [3, 300])
def test_rows_with_long_texts_come_in_pieces_of_bounded_size(monkeypatch, tmp_path, distinct):
    monkeypatch.setattr(parquet, "_BYTES", BOUND)
    texts = [None if n % 7 == 0 else chr(97 + n % distinct % 26) * TEXT + str(n % distinct) for n in range(400)]
    table = pa.table({"x": np.arange(400.0), "text": texts, "level": ["low", "high"] * 200})
    pq.write_table(table, tmp_path / "long.parquet", compression="zstd")

    pieces = read(tmp_path / "long.parquet")

    assert pa.concat_tables(pieces).equals(table)
    assert max(piece.nbytes for piece in pieces) < BOUND + 2 * TEXT
    assert len(pieces) < 2 * table.nbytes / BOUND + 2


def test_a_row_group_of_any_size_comes_in_pieces(tmp_path):
    rows = 8 * parquet.ROWS
    pq.write_table(pa.table({"x": np.arange(rows), "y": np.zeros(rows)}), tmp_path / "one.parquet", row_group_size=rows)
    before = pa.total_allocated_bytes()

    held = [
        (piece.rows, pa.total_allocated_bytes() - before)
        for piece in read_path(tmp_path / "one.parquet", "one", Reading())
    ]

    assert [count for count, _ in held] == [0, *[parquet.ROWS] * 8]
    assert max(size for _, size in held) < 16 * rows / 2


@pytest.mark.parametrize(("columns", "times"), [(100, 1), (600, 2), (1_500, 4)])
def test_more_is_read_at_once_of_many_columns(monkeypatch, tmp_path, columns, times):
    monkeypatch.setattr(parquet, "_BYTES", BOUND)
    values = np.random.default_rng(1).random((columns, 8 * BOUND // (8 * columns)))
    table = pa.table({f"x{number}": column for number, column in enumerate(values)})
    pq.write_table(table, tmp_path / "wide.parquet", use_dictionary=False)

    pieces = read(tmp_path / "wide.parquet")

    assert pa.concat_tables(pieces).equals(table)
    assert max(piece.nbytes for piece in pieces) == pytest.approx(times * BOUND, rel=0.1)


@pytest.mark.parametrize(("rows", "size", "pieces"), [(100, 10_000, 13), (250, 1, 3)])
def test_rows_of_avro_come_in_pieces_of_bounded_size(monkeypatch, tmp_path, rows, size, pieces):
    monkeypatch.setattr(avro, "_BYTES", 1 << 16)
    monkeypatch.setattr(avro, "_ROWS", 100)
    schema = {"type": "record", "name": "row", "fields": [{"name": "text", "type": "string"}]}
    texts = [chr(97 + number % 26) * size for number in range(rows)]
    with (tmp_path / "long.avro").open("wb") as file:
        fastavro.writer(file, schema, ({"text": text} for text in texts))

    found = read(tmp_path / "long.avro")

    assert pa.concat_tables(found).column("text").to_pylist() == texts
    assert max(piece.nbytes for piece in found) < (1 << 16) + 4 * size
    assert len(found) - 1 <= pieces


def test_times_of_twelve_bytes_are_those_of_the_rows_beside_them(monkeypatch, tmp_path):
    monkeypatch.setattr(parquet, "ROWS", 70)
    times = pa.array(np.arange(250) * 1_000_000, pa.timestamp("us"))
    far = pa.array([2**62 if n == 99 else n * 1_000_000 for n in range(250)], pa.timestamp("ms"))
    table = pa.table({"level": ["low", "high"] * 125, "at": times, "far": far})
    pq.write_table(table, tmp_path / "old.parquet", row_group_size=60, use_deprecated_int96_timestamps=True)

    found = pa.concat_tables(read(tmp_path / "old.parquet"))

    assert found.select(["level", "at"]).equals(table.select(["level", "at"]))
    beyond = [n for n, moment in enumerate(found["far"].cast(pa.int64()).to_pylist()) if abs(moment) == 2**63 - 1]
    assert beyond == [99]


def test_a_reference_to_nothing_is_damage(tmp_path):
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"c": ["a", "b", "c", "a"] * 400}), path, compression="none", write_statistics=False)
    column = pq.read_metadata(path).row_group(0).column(0)
    content = bytearray(path.read_bytes())
    content[column.dictionary_page_offset + column.total_compressed_size - 1] = 0xFF
    path.write_bytes(content)

    with pytest.raises(UnreadableFileError, match="refers to nothing"):
        read(path)
