"""A day that is killed at any write, or run twice at once, ends as if nothing had been."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import gettempdir

import pytest
from sqlalchemy import Connection, Engine, event

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.local import LocalStore
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, Archive
from tests.support.full_disk import largest_file
from tests.support.runs import local_archive, opened, run_twice_at_once, stored_rows

DAY = Partition.of_day("loans", FIRST)
RESULTS = (
    "mlmon_partitions",
    "mlmon_metrics",
    "mlmon_verdicts",
    "mlmon_checks",
    "mlmon_deliveries",
    "mlmon_profile_schemas",
)


class WatchedStorage(Storage):
    """Storage that makes a call before each write."""

    def __init__(self, before: Callable[[], object]) -> None:
        super().__init__()
        self.store = WatchedStore(before)

    def at(self, uri: str, connection: str | None = None) -> WatchedStore:  # noqa: ARG002
        return self.store


class WatchedStore(LocalStore):
    """A folder that makes a call before each write."""

    def __init__(self, before: Callable[[], object]) -> None:
        super().__init__()
        self.before = before

    def write(self, uri: str, data: bytes) -> None:
        self.before()
        super().write(uri, data)

    def upload(self, uri: str, path: Path) -> None:
        self.before()
        super().upload(uri, path)


class KilledError(BaseException):
    """Ends the run where it stands, as a kill does: nothing catches it."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, 2)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of the workspace; evidently gives its page a new id at each writing."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "evidently.html")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def in_place(content: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    """The files as they would be in another folder."""
    return {name: data.replace(str(folder).encode(), b"FOLDER") for name, data in content.items()}


def test_a_day_killed_at_any_write_and_run_again_ends_the_same(tmp_path, archive):
    folder, left = tmp_path / "day", tmp_path / "left"
    folder.mkdir()
    numbers = count()
    # a kill leaves what there is on the disk, where the rows of the store have the paths of the folder
    storage = WatchedStorage(lambda: shutil.copytree(folder, left / f"at write {next(numbers)}"))
    with opened(folder, archive, storage=storage) as run:
        run_partition(run, DAY)
    expected = stored_rows(folder, *RESULTS), files(folder / "workspace")

    for killed in left.iterdir():
        shutil.rmtree(folder)
        shutil.copytree(killed, folder)
        with opened(folder, archive) as run:
            run_partition(run, DAY)
        found = stored_rows(folder, *RESULTS), files(folder / "workspace")
        assert found[0] == expected[0], f"killed {killed.name}"
        assert found[1] == expected[1], f"killed {killed.name}"

    assert next(numbers) > 10


def _without_paths(rows: list[tuple[object, ...]], folder: Path) -> str:
    return repr(rows).replace(str(folder), "FOLDER")


def test_two_runs_at_once_end_as_one(tmp_path, archive):
    alone, both = tmp_path / "alone", tmp_path / "both"
    spec = tmp_path / "loans.yaml"
    spec.write_text(archive.spec_text())

    alone.mkdir()
    with opened(alone, archive) as run:
        run_partition(run, DAY)

    codes = run_twice_at_once(spec, both, DAY)

    assert codes == [0, 0]
    assert _without_paths(list(stored_rows(both, *RESULTS).items()), both) == _without_paths(
        list(stored_rows(alone, *RESULTS).items()), alone
    )
    assert in_place(files(both / "workspace"), both) == in_place(files(alone / "workspace"), alone)


def test_two_backfills_at_once_end_as_one(tmp_path):
    """But for what was said of labels before others had come, which is the same once it is said again."""
    archive = local_archive(tmp_path, 2)
    days = [DAY, DAY.shift(1)]
    alone, both = tmp_path / "alone", tmp_path / "both"
    spec = tmp_path / "loans.yaml"
    spec.write_text(archive.spec_text(WITHOUT_EVIDENTLY))
    alone.mkdir()
    with opened(alone, archive, WITHOUT_EVIDENTLY) as run:
        for day in days:
            run_partition(run, day)

    codes = run_twice_at_once(spec, both, *days)

    assert codes == [0, 0]
    for folder in (alone, both):
        with opened(folder, archive, WITHOUT_EVIDENTLY) as run:
            assert len(list(reevaluate(run, days[0].day, days[-1].day))) == len(days)
    assert _without_paths(list(stored_rows(both, *RESULTS).items()), both) == _without_paths(
        list(stored_rows(alone, *RESULTS).items()), alone
    )
    rows = [
        {
            name: content
            for name, content in in_place(files(folder / "workspace"), folder).items()
            if "reports" not in name
        }
        for folder in (alone, both)
    ]
    assert rows[0] == rows[1]


def test_a_day_killed_after_any_commit_and_run_again_ends_the_same(tmp_path, archive):
    def run_days(folder: Path) -> None:
        with opened(folder, archive) as run:
            for day in (DAY, DAY.shift(1)):
                run_partition(run, day)

    clean, killed = tmp_path / "clean", tmp_path / "killed"
    for folder in (clean, killed):
        folder.mkdir()
    run_days(clean)

    kills = 0
    while True:
        with killed_after_commit(kills + 1), suppress(KilledError):
            run_days(killed)
            break
        kills += 1

    assert kills > 4
    assert _without_paths(list(stored_rows(killed, *RESULTS).items()), killed) == _without_paths(
        list(stored_rows(clean, *RESULTS).items()), clean
    )
    assert in_place(files(killed / "workspace"), killed) == in_place(files(clean / "workspace"), clean)


@contextmanager
def killed_after_commit(number: int) -> Iterator[None]:
    """The first statement after so many transactions that wrote something does not come."""
    writing: set[int] = set()
    left = [number]

    def execute(connection: Connection, _: object, statement: str, *__: object) -> None:
        if left[0] == 0:
            raise KilledError(statement)
        # when a step ran is no result: what is killed after it is as if killed after the write before
        if statement.startswith(("INSERT", "UPDATE", "DELETE")) and "mlmon_steps" not in statement:
            writing.add(id(connection))

    def commit(connection: Connection) -> None:
        if id(connection) in writing:
            writing.discard(id(connection))
            left[0] -= 1

    event.listen(Engine, "before_cursor_execute", execute)
    event.listen(Engine, "commit", commit)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", execute)
        event.remove(Engine, "commit", commit)


@pytest.mark.guards("fault-33")
def test_a_disk_that_is_full_fails_the_day_in_words(tmp_path, archive):
    with opened(tmp_path, archive) as run:
        run_partition(run, DAY)
        served = run.store.state(DAY)
    # opened anew, so that the log of the store begins anew too
    with opened(tmp_path, archive) as run:
        archive.write_day(FIRST, rows=60_000)
        with largest_file(1 << 20):
            run_partition(run, DAY)

        state = run.store.state(DAY)
        assert (served.status, state.status, state.version) == (Status.OK, Status.FAILED, served.version)
        assert f"The disk of {gettempdir()} is full: File too large." in state.message
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == 80

        run_partition(run, DAY)
        assert (run.store.state(DAY).status, run.store.state(DAY).rows_read) == (Status.OK, 60_000)


KILLED_WHILE_WRITING = """
import os, signal, sys
from datetime import date
from pathlib import Path
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.storage.local import LocalStore
from tests.support.archive import FIRST
from tests.support.runs import local_archive, opened

def die(source, file, *_):
    file.write(source.read(100))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
archive = local_archive(folder, 2)
import airflow_mlmon.storage.local
airflow_mlmon.storage.local.shutil.copyfileobj = die
with opened(folder, archive) as run:
    prepare_partition(run, Partition.of_day("loans", FIRST))
"""


def test_a_process_that_is_killed_leaves_nothing_behind_after_the_next_run(tmp_path, archive, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)],
        env=os.environ | {"TMPDIR": str(scratch)},
        check=False,
    )
    left = [path.name for path in scratch.iterdir()], half_written(tmp_path)

    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with opened(tmp_path, archive) as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)

    assert killed.returncode == -signal.SIGKILL
    assert [len(names) for names in left] == [1, 1]
    assert list(scratch.iterdir()) == half_written(tmp_path) == []
    assert (state.status, state.rows_read) == (Status.OK, 80)


def half_written(folder: Path) -> list[Path]:
    return list((folder / "workspace").rglob(".writing-*"))
