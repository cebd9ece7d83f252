"""Evenly spread rows of a large day, kept as it is read: losses expected of them are those of reading it again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.workspace import even_rows, losses
from airflow_mlmon.pipeline.workspace.losses import expected_losses
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from tests.support.archive import FIRST, Archive, day_table, partition, replace_columns
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

ROWS, MOST, STEP = 1_500, 200, 8
DAY = partition(0)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive whose days count as large."""
    monkeypatch.setattr("airflow_mlmon.drift.rows.evenly.MOST", MOST)
    monkeypatch.setattr(even_rows, "_LARGE", 0)
    archive = local_archive(tmp_path, 0)
    archive.write_reference(rows=100)
    return archive


def run_day(folder: Path, archive: Archive, table: pa.Table) -> tuple[list[str], list[float], list[float]]:
    """Run the day; return the names of its kept rows, what is expected of them, and what of the day read again."""
    archive.write_predictions(FIRST, table)
    with opened(folder, archive) as run:
        evaluate_day(run, DAY)
        state, reference = run.store.state(DAY), pinned_reference(run)
        asked = run, DAY, state.version, reference.folder, reference.schema
        found = expected_losses(*asked).values.tolist()
        kept = [item.uri for item in run.files.list(run.version_uri(DAY, state.version, "every-"))]
        for uri in [*kept, *(item.uri for item in run.files.list(run.version_uri(DAY, state.version, "expected-")))]:
            run.files.delete(uri)
        return [Path(uri).name for uri in kept], found, expected_losses(*asked).values.tolist()


def test_losses_are_expected_of_the_rows_that_were_kept(tmp_path, large, monkeypatch):
    table = day_table(FIRST, ROWS)
    scans, scan = [], losses._every
    monkeypatch.setattr(losses, "_every", lambda *asked: scans.append(asked[0]) or scan(*asked))
    kept, found, again = run_day(tmp_path, large, table)

    assert kept == [f"every-{STEP}.parquet"]
    assert len(found) == -(-ROWS // STEP)
    assert found == again
    # the second time alone
    assert scans == [STEP]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(pa.concat_tables([day_table(FIRST, ROWS), day_table(FIRST, 300)]), id="repeated"),
        pytest.param(
            replace_columns(
                day_table(FIRST, ROWS),
                at=pa.chunked_array(
                    [
                        day_table(FIRST, ROWS).column("at").combine_chunks()[:1_000],
                        day_table(FIRST + timedelta(days=1), 500).column("at").combine_chunks(),
                    ]
                ),
            ),
            id="quarantined",
        ),
    ],
)
def test_rows_are_not_kept_where_others_are_accepted_than_were_counted(tmp_path, large, table):
    kept, found, again = run_day(tmp_path, large, table)

    assert not kept
    assert found == again


def test_files_that_cannot_be_counted_are_read_again(tmp_path, large, monkeypatch):
    monkeypatch.setattr(even_rows, "_MOST_FILES", 1)
    kept, found, again = run_day(tmp_path, large, day_table(FIRST, ROWS))

    assert not kept
    assert found == again
