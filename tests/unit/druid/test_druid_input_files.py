"""The files for Druid: the same rows in parts, whatever tables they come in."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.druid import input_files
from airflow_mlmon.druid.ingestion import build_ingestion_task, build_predictions_datasource
from airflow_mlmon.druid.input_files import write_parts
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.parquet import write_parquet
from airflow_mlmon.pipeline.druid.content import DatasourceKind, make_input_of, places_of, task_id_of, write_input
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace import curated
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.spec.druid import DruidFormat
from tests.support.archive import FIRST, day_table, partition, replace_columns
from tests.support.runs import local_archive, opened

WRITERS = {DruidFormat.JSON: write_json_lines, DruidFormat.PARQUET: write_parquet}
ROWS = 50_000


def rows() -> pa.Table:
    random = np.random.default_rng(1)
    return pa.table({"n": np.arange(ROWS), "x": random.normal(size=ROWS), "c": random.choice(["a", 'b"', "ü"], ROWS)})


@pytest.fixture
def run(tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    table = day_table(FIRST, 400)
    amounts = table.column("amount").to_pylist()
    # only in the last part
    amounts[-1] = float("inf")
    archive.write_predictions(FIRST, replace_columns(table, amount=amounts))
    with opened(tmp_path, archive) as opened_run:
        ensure_reference(opened_run)
        yield opened_run


@pytest.mark.parametrize("form", list(DruidFormat))
@pytest.mark.parametrize("cuts", [[], [1], [16_384], [7, 20_000, 20_001, 49_999]])
def test_rows_that_fit_one_part_are_written_as_at_once(tmp_path: Path, form: DruidFormat, cuts: list[int]):
    table = rows()
    tables = [table.slice(start, end - start) for start, end in pairwise([0, *cuts, ROWS])]

    [path] = write_parts(tables, tmp_path, form)

    assert path.read_bytes() == WRITERS[form](table)


@pytest.mark.parametrize("form", list(DruidFormat))
def test_more_rows_are_written_in_parts(monkeypatch, tmp_path: Path, form: DruidFormat):
    monkeypatch.setattr(input_files, "PART_ROWS", 1 << 15)
    monkeypatch.setattr(input_files, "_GROUP_ROWS", 1 << 14)

    paths = write_parts([rows()], tmp_path, form)

    assert len(paths) == 2
    if form is DruidFormat.JSON:
        lines = [gzip.decompress(path.read_bytes()).splitlines() for path in paths]
        assert list(map(len, lines)) == [1 << 15, ROWS - (1 << 15)]
        assert [*lines[0], *lines[1]] == gzip.decompress(write_json_lines(rows())).splitlines()
    else:
        assert pa.concat_tables([pq.read_table(path) for path in paths]) == rows()


def test_no_rows_are_no_part(tmp_path: Path):
    assert write_parts([rows().slice(0, 0)], tmp_path, DruidFormat.JSON) == []


def test_every_part_of_a_day_has_the_columns_that_some_rows_need_and_the_name_of_its_task(monkeypatch, run: Run):
    monkeypatch.setattr(input_files, "PART_ROWS", 128)
    monkeypatch.setattr(input_files, "BLOCK_ROWS", 128)
    # so that parts are written before the rows are read that need another column
    monkeypatch.setattr(curated, "_BATCH", 128)
    prepared = prepare_partition(run, partition(0))
    [place] = [place for place in places_of(run, [partition(0)]).values() if place.kind is DatasourceKind.PREDICTIONS]

    with make_input_of(run, place, prepared.version) as made:
        parts = [gzip.decompress(path.read_bytes()).decode().splitlines() for path in made.files]
        urls = write_input(run, place, made, "mlmon.loans_predictions.2026-03-01.v.c0.n1")

    assert made.content.rows == 400
    assert made.content.flagged == ("amount",)
    assert list(map(len, parts)) == [128, 128, 128, 16]
    assert all('"amount__flag":null' in part[0] for part in parts)
    assert '"amount":null' in parts[-1][-1]
    assert '"amount__flag":"inf"' in parts[-1][-1]
    assert [task_id_of(url.rpartition("/")[2]) for url in urls] == ["mlmon.loans_predictions.2026-03-01.v.c0.n1"] * 4
    assert len(set(urls)) == 4


def test_a_task_has_the_workers_that_the_spec_gives_a_day(run: Run):
    datasource = build_predictions_datasource(run.spec)
    given = {"input_urls": ["file:///a.json.gz", "file:///b.json.gz"], "version": "v"}

    one, two = (
        build_ingestion_task("t", datasource, partition(0), **given, workers=workers)["spec"]["tuningConfig"]
        for workers in (1, 2)
    )

    assert (one["maxNumConcurrentSubTasks"], two["maxNumConcurrentSubTasks"]) == (1, 2)
    assert two["splitHintSpec"] == {"type": "maxSize", "maxNumFiles": 1}
    assert "splitHintSpec" not in one
