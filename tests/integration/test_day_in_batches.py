"""A day that comes in many batches: killed at any of them, and repeated between the first and the last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.archive.curation import batches
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.tables import parquet
from tests.support.archive import FIRST, day_table
from tests.support.runs import local_archive, opened

DAY = Partition.of_day("loans", FIRST)
ROWS, BATCH = 1_000, 250
# in processes of their own, each killed when so many parts of batches have been written
KILLED_AT_EACH_BATCH = f"""
import os, signal, sys
from pathlib import Path
from airflow_mlmon.archive.curation import batches
from airflow_mlmon.archive.curation.spool import Spool
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.tables import parquet
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened, write_file

folder = Path(sys.argv[1])
parquet.ROWS, batches._SMALL = {BATCH}, 0

def kill_after(calls):
    add = Spool.add
    left = [calls]
    def counted(self, table):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        add(self, table)
    Spool.add = counted

calls, signals = 1, {{signal.SIGKILL}}
while signals == {{signal.SIGKILL}}:
    process = os.fork()
    if not process:
        kill_after(calls)
        with opened(folder, Archive(str(folder / "archive"), write_file)) as run:
            prepare_partition(run, Partition.of_day("loans", FIRST))
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    signals = {{os.WTERMSIG(status)}} if os.WIFSIGNALED(status) else set()
    calls += 4
print(calls, os.WEXITSTATUS(status))
"""


def in_batches(monkeypatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", BATCH)
    monkeypatch.setattr(batches, "_SMALL", 0)


def files_of(run: Run, version: str) -> dict[str, bytes]:
    """The files of a version in the workspace."""
    folder = Path(run.version_uri(DAY, version, "manifest.json")).parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_day_that_is_killed_at_any_batch_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    archive = local_archive(tmp_path, 2)
    archive.write_day(FIRST, rows=ROWS)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_BATCH, str(tmp_path)],
        env=os.environ | {"TMPDIR": str(scratch)},
        check=True,
        capture_output=True,
        text=True,
    )

    calls, code = map(int, killed.stdout.split())
    assert calls > 2 * ROWS // BATCH
    assert code == 0
    assert list(scratch.iterdir()) == []
    in_batches(monkeypatch)
    (tmp_path / "other").mkdir()
    with opened(tmp_path, archive) as run, opened(tmp_path / "other", archive) as other:
        version = prepare_partition(other, DAY).version
        assert files_of(run, version) == files_of(other, version)
        assert run.store.state(DAY) is None


def test_files_of_a_day_are_the_same_for_any_batches_and_threads(tmp_path, monkeypatch):
    archive = local_archive(tmp_path, 2)
    archive.write_day(FIRST, rows=ROWS)
    with opened(tmp_path, archive) as run:
        version = prepare_partition(run, DAY).version
        expected = files_of(run, version)

    in_batches(monkeypatch)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other", archive) as run:
        assert prepare_partition(run, DAY).version == version
        assert files_of(run, version) == expected


def test_profile_of_a_day_is_the_same_for_any_order_of_its_files(tmp_path):
    archive = local_archive(tmp_path, 2)
    rows = day_table(FIRST, ROWS)
    profiles = []
    for order in (rows, pa.concat_tables([rows.slice(300), rows.slice(0, 300)])):
        archive.write_predictions(FIRST, order)
        with opened(tmp_path, archive) as run:
            found = files_of(run, prepare_partition(run, DAY).version)
            profiles += [data for name, data in found.items() if name.endswith(".profile")]

    assert len(profiles) == 2
    assert profiles[0] == profiles[1]


def test_an_id_of_the_first_batch_that_comes_again_in_the_last_is_a_duplicate(tmp_path, monkeypatch):
    in_batches(monkeypatch)
    archive = local_archive(tmp_path, 2)
    rows = day_table(FIRST, ROWS)
    archive.write_predictions(FIRST, pa.concat_tables([rows, rows.slice(0, 1)]))

    with opened(tmp_path, archive) as run:
        prepared = prepare_partition(run, DAY)
        ids = read_curated(run, DAY, prepared.version, ["id"]).column("id")

    assert (prepared.rows_accepted, prepared.rows_quarantined) == (ROWS, 1)
    assert [cause.words for cause in prepared.causes] == ["1 rows: id is a duplicate"]
    assert ids.equals(rows.column("id"))
