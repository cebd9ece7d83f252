"""Days that deliveries have labels for: what was found of a delivery and a version is not looked for again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from airflow_mlmon.pipeline.steps.touched import find_touched_days, served_before
from airflow_mlmon.pipeline.workspace.labelled_rows import forget_labelled
from tests.support.archive import Archive, partition
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

DAYS = 4


@pytest.fixture
def run(tmp_path: Path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    archive.write_all(DAYS)
    # the last deliveries have labels of few of the days that they might have some of
    with opened(tmp_path, archive, ("delay_days: 2", "delay_days: 7")) as run:
        for offset in range(DAYS):
            evaluate_day(run, partition(offset))
        yield run


def touched(run):
    return find_touched_days(run, served_before(run, partition(DAYS)))


def found_rows(folder: Path) -> set[Path]:
    return set(folder.rglob("*.in-*"))


def test_a_process_looks_for_what_a_delivery_and_a_day_have_in_common_once(run, tmp_path):
    before = touched(run), found_rows(tmp_path)
    for path in found_rows(tmp_path):
        path.unlink()

    assert before[0] == set()
    assert before[1]
    assert (touched(run), found_rows(tmp_path)) == (set(), set())
    # as in another process, which has looked for nothing yet
    assert touched(replace(run)) == set()
    assert found_rows(tmp_path) <= before[1]
    assert found_rows(tmp_path)


def test_what_was_forgotten_is_looked_for_again(run, tmp_path):
    touched(run)
    for path in found_rows(tmp_path):
        path.unlink()
    forget_labelled(run, partition(DAYS - 1), "another")

    touched(run)

    assert found_rows(tmp_path)


def test_what_was_found_of_other_deliveries_is_not_looked_for_again(run, tmp_path):
    touched(run)
    for path in found_rows(tmp_path):
        path.unlink()
    forget_labelled(run, partition(DAYS), "another")

    assert (touched(run), found_rows(tmp_path)) == (set(), set())


def test_a_run_of_the_next_day_knows_what_the_run_of_a_day_found_of_its_delivery(run, tmp_path):
    for path in found_rows(tmp_path):
        path.unlink()

    assert (touched(run), found_rows(tmp_path)) == (set(), set())


def test_a_delivery_has_a_table_of_each_day_that_it_has_labels_for_and_one_list_of_the_others(run, tmp_path):
    of_last = sorted((tmp_path / "workspace").rglob(f"deliveries/{partition(DAYS - 1).key}/*.in-*"))

    assert [path.suffix for path in of_last].count(".json") == 1
    assert len(json.loads(of_last[-1].read_text())) == DAYS - len(of_last) + 1
    assert all(pq.read_metadata(path).num_rows for path in of_last[:-1])


def test_an_empty_table_as_earlier_releases_wrote_it_says_that_a_day_has_no_labels(run, tmp_path):
    listed = next((tmp_path / "workspace").rglob(f"deliveries/{partition(DAYS - 1).key}/*.in-none.json"))
    table = next(listed.parent.glob("*.in-*.parquet"))
    for name in json.loads(listed.read_text()):
        pq.write_table(
            pq.read_table(table).slice(0, 0), table.with_name(listed.name.replace("none.json", f"{name}.parquet"))
        )
    listed.unlink()

    assert touched(replace(run)) == set()
    assert not listed.exists()
