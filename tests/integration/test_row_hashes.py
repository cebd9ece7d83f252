"""Hashes of the rows' ids beside the rows: labels are matched by them alone, as they are where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import take_delivery
from airflow_mlmon.pipeline.workspace import matched_keys, row_hashes
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.matched_keys import match_delivery
from airflow_mlmon.pipeline.workspace.row_hashes import ROW_HASHES, keep_row_hashes
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from tests.support.base_day import LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, run_day

DAY, DELIVERED = day_of(0), 150


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A day with repeated rows, and a delivery for some of them; hashes are kept of however few rows."""
    monkeypatch.setattr(row_hashes, "_FEW", 0)
    monkeypatch.setattr(row_hashes, "_BATCH", 64)
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = day_table(DAY)
    archive.write_day(DAY, pa.concat_tables([table.slice(0, 90), table.slice(40)]))
    archive.write_labels(day_of(1), labels_of(table.slice(ROWS - DELIVERED)))
    with archive.opened() as run:
        run_day(run, DAY)
        take_delivery(run, run.partition(day_of(1)))
        yield run


def served(run: Run) -> tuple[Partition, str]:
    [state] = run.store.states("m", DAY, DAY)
    return state.partition, str(state.version)


def path_of(run: Run) -> Path:
    return Path(run.version_uri(*served(run), ROW_HASHES))


def matched(run: Run) -> list[tuple[int, int]]:
    [delivery] = run.store.deliveries("m", day_of(1), day_of(1))
    day, version = served(run)
    return [
        pair
        for _, batches in match_delivery(run, delivery, {day: version})
        for batch in batches
        for pair in zip(batch.positions.tolist(), batch.rows.tolist(), strict=True)
    ]


def write_hashes(run: Run, hashes: np.ndarray) -> None:
    log = HashLog(path_of(run).with_suffix(".log"))
    log.add(hashes)
    keep_row_hashes(run, *served(run), log)


EXPECTED = [(ROWS - DELIVERED + row, row) for row in range(DELIVERED)]


def test_hashes_are_those_of_the_ids_in_the_order_of_the_rows(ran: Run):
    ids = read_curated(ran, *served(ran), ["id"]).column("id")

    assert pq.read_table(path_of(ran)).column("id").to_pylist() == hash_ids(ids).tolist()


@pytest.mark.parametrize("part", [64, 10_000], ids=["in parts", "at once"])
def test_labels_are_found_as_without_hashes(ran: Run, monkeypatch, part):
    monkeypatch.setattr(matched_keys, "_AT_ONCE", part)
    monkeypatch.setattr(matched_keys, "_BATCH", 32)

    found = matched(ran)
    path_of(ran).unlink()

    assert found == matched(ran) == EXPECTED


def test_ids_are_compared_where_hashes_are_equal(ran: Run):
    [delivered] = hash_ids(pa.chunked_array([[f"{DAY}-00190"]]))
    write_hashes(ran, np.where(np.arange(ROWS) < 20, delivered, -1))

    # no other id is read, and none of these is the one delivered
    assert matched(ran) == []


@pytest.mark.parametrize(
    "replacements",
    [("  id: id\n", "  id: {country: id}\n"), ("  id: id\n", "  id: id\n  ids: strip\n")],
    ids=["another column", "another spelling"],
)
def test_hashes_of_other_keys_are_left_alone(ran: Run, replacements, tmp_path):
    write_hashes(ran, np.full(ROWS, -1))
    archive = BaseArchive(tmp_path, labels=LABELS)

    with archive.opened(replacements) as run:
        found = matched(run)

    assert matched(ran) == []
    assert len(found) == (DELIVERED if "ids" in replacements[1] else 0)


def test_hashes_of_another_number_of_rows_are_left_alone(ran: Run):
    write_hashes(ran, np.full(ROWS - 1, -1))

    assert matched(ran) == EXPECTED


def test_few_rows_are_kept_without_hashes(ran: Run, monkeypatch):
    path_of(ran).unlink()
    monkeypatch.setattr(row_hashes, "_FEW", ROWS + 1)

    run_day(ran, DAY)

    assert not path_of(ran).exists()
