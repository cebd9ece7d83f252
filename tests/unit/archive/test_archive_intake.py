"""The intake of a day: the same rows whatever the files and batches are, and nothing of a damaged file."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation import groups, repeats
from airflow_mlmon.archive.curation.intake import take_in
from airflow_mlmon.archive.curation.spool import Spool
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.engine import hash_sample
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.tables import parquet
from tests.support.curated import Curated, curate, source_of, to_tables

SPEC = parse_spec(
    """
model: m
start: 2026-03-01
predictions:
  path: p/{date}
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    x: {type: float, required: true}
    price: {type: decimal}
operational: {status: status, errors: [5xx]}
reference: {path: r}
""",
    "m.yaml",
)
DAY = Partition.from_key("m", "2026-03-01")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(rows: int, seed: int = 1) -> pa.Table:
    """Rows with repeated ids, errors, missing values and times of other days."""
    random = np.random.default_rng(seed)
    ids = [f"id-{number}" for number in random.integers(0, rows // 2, rows)]
    hours = random.integers(-1, 25, rows) * 3_600_000_000 + int(DAY.start.timestamp()) * 1_000_000
    return pa.table(
        {
            "id": pa.array(ids, mask=random.random(rows) < 0.02),
            "at": pa.array(hours, pa.timestamp("us", "UTC")),
            "x": pa.array(random.normal(size=rows), mask=random.random(rows) < 0.02),
            "price": pa.array([f"{number}.{number % 7}" for number in random.integers(0, 10**6, rows)]),
            "status": pa.array(np.where(random.random(rows) < 0.1, "500", "200")),
        }
    )


def split(table: pa.Table, parts: int) -> list[pa.Table]:
    """The same rows in several files."""
    ends = [table.num_rows * part // parts for part in range(parts + 1)]
    return [table.slice(start, end - start) for start, end in pairwise(ends)]


def contents(curated: Curated) -> list[object]:
    return [curated.rows.to_pylist(), curated.errors.to_pylist(), curated.quarantine.sort_by("id"), curated.reasons]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_rows_do_not_depend_on_files_and_batches(monkeypatch, parts):
    table = day(3_000)
    expected = contents(curate(table, SPEC, DAY))
    monkeypatch.setattr(parquet, "ROWS", 101)
    monkeypatch.setattr(groups, "GROUP_ROWS", 256)
    monkeypatch.setattr(repeats, "_AT_ONCE", 100)

    found = curate(split(table, parts), SPEC, DAY)

    assert contents(found) == expected
    assert found.rows.num_rows + found.errors.num_rows + found.quarantine.num_rows == table.num_rows
    assert sum(found.reasons.values()) == found.quarantine.num_rows


def test_rows_of_many_small_files_are_those_of_one():
    table = day(600).append_column("seen", pa.array([True] * 600))
    prices = [None if number % 7 else "dear" for number in range(600)]
    table = table.set_column(3, "price", pc.coalesce(pa.array(prices), table.column("price")))

    found, expected = curate(split(table, 300), SPEC, DAY), curate(table, SPEC, DAY)

    assert contents(found) == contents(expected)
    [whole] = expected.files
    assert sum((Counter(file.faults) for file in found.files), Counter()) == Counter(whole.faults)
    assert {(file.rows, file.undeclared) for file in found.files} == {(2, ("seen",))}


def test_sample_is_that_of_all_accepted_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(hash_sample, "SAMPLE_ROWS", 50)
    monkeypatch.setattr(groups, "GROUP_ROWS", 256)
    distinct = day(3_000)
    distinct = distinct.set_column(0, "id", pa.array([f"id-{number}" for number in range(3_000)]))
    for name, table in {"distinct": distinct, "repeated": day(3_000)}.items():
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(table, folder / "part-0.parquet")
        (folder / "_intake").mkdir()
        intake = take_in(source_of(str(folder), SPEC, DAY), SPEC, DAY, hash_key=None, folder=folder / "_intake")

        sample, rows = intake.accepted.sample(), to_tables(intake).rows

        lowest = np.sort(np.argsort(hash_ids(rows.column("id")), kind="stable")[:50])
        assert sample.to_pylist() == rows.take(pa.array(lowest)).to_pylist()


def test_rows_of_a_file_that_turns_out_to_be_damaged_are_not_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(parquet, "ROWS", 1_000)
    folder = tmp_path / "day"
    folder.mkdir()
    tables = [pa.table({"id": [f"{name}{n}" for n in range(4_000)], "at": [NOON] * 4_000}) for name in "abc"]
    for name, table in zip("abc", tables, strict=True):
        full = table.append_column("x", pa.array(np.arange(4_000.0))).append_column("price", pa.array(["1.5"] * 4_000))
        pq.write_table(
            full, folder / f"{name}.parquet", row_group_size=1_000, write_page_checksum=True, use_dictionary=False
        )
    damaged = folder / "b.parquet"
    group = pq.ParquetFile(damaged).metadata.row_group(3).column(2)
    content = bytearray(damaged.read_bytes())
    content[group.data_page_offset + group.total_compressed_size - 9] ^= 1
    damaged.write_bytes(content)
    (tmp_path / "intake").mkdir()

    intake = take_in(source_of(str(folder), SPEC, DAY), SPEC, DAY, hash_key=None, folder=tmp_path / "intake")

    found = to_tables(intake)
    assert [(file.rows, bool(file.problem)) for file in found.files] == [(4_000, False), (None, True), (4_000, False)]
    assert set(found.rows.column("id").to_pylist()) == {f"{name}{n}" for name in "ac" for n in range(4_000)}
    assert found.quarantine.num_rows == 0


@pytest.mark.parametrize("is_repeated", [False, True])
def test_profile_of_the_pass_is_that_of_the_file(monkeypatch, tmp_path, is_repeated):
    monkeypatch.setattr(parquet, "ROWS", 101)
    (tmp_path / "day").mkdir()
    (tmp_path / "intake").mkdir()
    table = day(3_000)
    if not is_repeated:
        table = table.set_column(0, "id", pa.array([f"id-{number}" for number in range(3_000)]))
    pq.write_table(table, tmp_path / "day" / "part-0.parquet")
    schema = pin_columns("m", {"x": ColumnType.FLOAT, "status": ColumnType.CATEGORY}, table)
    source = source_of(str(tmp_path / "day"), SPEC, DAY)

    profile = ProfileStream(schema)

    intake = take_in(source, SPEC, DAY, hash_key=None, folder=tmp_path / "intake", watched=lambda: profile.add)

    rows = intake.accepted.rows.finish()
    found = profile.total()
    assert intake.accepted.is_as_watched != is_repeated
    assert is_repeated or found.to_bytes() == profile_parquet([rows], schema).to_bytes()


def test_contradictory_copies_are_told_apart_from_equal_ones():
    first = pa.table({"id": ["a", "b"], "at": [NOON] * 2, "x": [1.0, 2.0], "price": ["1", "2"], "status": ["200"] * 2})
    other = first.set_column(2, "x", pa.array([1.0, 9.0]))

    curated = curate([first, other], SPEC, DAY)

    assert curated.rows.column("x").to_pylist() == [1.0, 2.0]
    assert curated.reasons == {"id is a duplicate": 1, "id is a duplicate with other values": 1}


def test_spool_widens_as_its_rows_need(tmp_path):
    rows = Spool(tmp_path, "rows")
    for digits in (1, 4, 2):
        rows.add(pa.table({"x": pa.array([digits] * 3).cast(pa.decimal128(19 + digits, digits))}))

    path = rows.finish()

    assert pq.read_table(path).column("x").to_pylist() == [1] * 3 + [4] * 3 + [2] * 3
    assert list(Path(tmp_path).glob("*.parquet")) == [path]
