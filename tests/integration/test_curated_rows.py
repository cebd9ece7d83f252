"""Reading of curated rows, in one file or divided into those of shards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import curated_uri, curated_uris, open_curated, read_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, to_parquet
from tests.support.archive import Archive
from tests.support.runs import opened, write_file

ROWS = pa.table({"id": [str(number) for number in range(10)], "x": range(10)})


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with opened(tmp_path, Archive(str(tmp_path / "archive"), write_file)) as run:
        yield run


def write_shards(run: Run, *tables: pa.Table) -> None:
    day = run.partition("2026-03-01")
    for shard, table in enumerate(tables):
        run.files.write(curated_uri(run, day, "v", shard, len(tables)), to_parquet(table))
    run.files.write(run.version_uri(day, "v", MANIFEST), json.dumps({"shards": len(tables)}).encode())


@pytest.mark.parametrize("cuts", [(0,), (0, 10), (0, 3), (0, 0, 4, 9)])
def test_rows_are_the_same_in_any_number_of_files(run: Run, cuts: tuple[int, ...]) -> None:
    write_shards(run, *(ROWS.slice(a, b - a) for a, b in zip(cuts, (*cuts[1:], 10), strict=True)))
    day = run.partition("2026-03-01")
    assert read_curated(run, day, "v").equals(ROWS)
    with open_curated(run, day, "v") as rows:
        assert rows.rows == 10
        assert rows.names == ("id", "x")
        batches = list(rows.batches(["x"], where_there=["gone", "x"], size=4))
        taken = rows.take(np.array([0, 3, 8, 9]), ["x"])
    assert max(batch.num_rows for batch in batches) <= 4
    assert pa.concat_tables(batches).equals(ROWS.select(["x"]))
    assert taken.column("x").to_pylist() == [0, 3, 8, 9]


def test_a_shard_without_a_column_has_nulls(run: Run) -> None:
    write_shards(run, ROWS, ROWS.drop_columns(["x"]))
    found = read_curated(run, run.partition("2026-03-01"), "v", ["id"], where_there=["x"])
    assert found.column("x").null_count == 10


def test_rows_that_are_gone(run: Run) -> None:
    day = run.partition("2026-03-01")
    write_shards(run, ROWS)
    run.files.delete(*curated_uris(run, day, "v"))
    with pytest.raises(NotFoundError, match="not in the workspace any more"), open_curated(run, day, "v"):
        pass
