"""A byte that is no UTF-8 costs its value, or its row in an id, and never a day, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day

DAMAGED = b"R\xc9UNION"


def damaged(table: pa.Table, name: str, row: int = 3) -> pa.Table:
    """The table with a text that is none."""
    raw = table.column(name).cast(pa.binary()).to_pylist()
    raw[row] = DAMAGED
    return table.set_column(table.column_names.index(name), name, pa.array(raw).cast(pa.string(), safe=False))


def test_day_and_the_one_after_it_are_run_with_their_pages(tmp_path):
    """jorgecarleitao/parquet2 #108, ibis-project/ibis #6631: one byte that is no UTF-8 ended the whole job."""
    archive = BaseArchive(tmp_path, ("reference:\n", "quality: []\nevidently: page\nsegments: [country]\nreference:\n"))
    archive.write_day(FIRST, damaged(day_table(FIRST), "country"))
    archive.write_day(day_of(1))

    with archive.opened() as run:
        ran = [run_partition(run, run.partition(day_of(offset))) for offset in range(2)]
        states = run.store.states("m", FIRST, day_of(1))

    assert [state.status for state in states] == [Status.PARTIAL, Status.OK]
    assert [state.rows_accepted for state in states] == [ROWS] * 2
    assert "country is not UTF-8 text" in Path(ran[0].report).read_text()
    assert all((Path(found.report).parent / "evidently.html").exists() for found in ran)


def test_one_id_of_many_costs_its_row(tmp_path):
    archive = BaseArchive(tmp_path)
    archive.write_day(FIRST, damaged(day_table(FIRST, 6_000).set_column(1, "at", morning(6_000)), "id", 5_500))

    with archive.opened() as run:
        state = run_day(run, FIRST)

    assert (state.status, state.rows_accepted, state.rows_quarantined) == (Status.PARTIAL, 5_999, 1)


def morning(rows: int) -> pa.ChunkedArray:
    first = day_table(FIRST).column("at")[0]
    return pa.chunked_array([pa.repeat(first, rows)])


@pytest.mark.parametrize("treatment", ["personal: hash", "truncate: 1"])
def test_column_that_is_hashed_or_truncated(tmp_path, treatment):
    archive = BaseArchive(tmp_path, ("country: {type: category}", f"country: {{{{type: category, {treatment}}}}}"))
    archive.write_day(FIRST, damaged(day_table(FIRST), "country"))

    with archive.opened(hash_key=b"key") as run:
        prepared = prepare_partition(run, run.partition(FIRST))

    assert (prepared.status, prepared.rows_accepted) == (Status.PARTIAL, ROWS)


def test_label_costs_itself(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS + "  outcome: result\n  excluded: [withdrawn]\n")
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    labels = labels_of(table).append_column("result", pa.array(["done"] * ROWS))
    archive.write_labels(FIRST, damaged(damaged(labels, "result"), "id", 0))

    with archive.opened() as run:
        run_day(run, FIRST)

        assert metric_of(run, FIRST, "label_coverage") == (ROWS - 1) / ROWS
