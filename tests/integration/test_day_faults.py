"""A day that is killed at any write, or run twice at once, ends as if nothing had been."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.local import LocalStore
from tests.support.archive import FIRST, Archive
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


class BrokenStorage(Storage):
    """Storage whose n-th write fails, as on a full disk."""

    def __init__(self, fail_at: int) -> None:
        super().__init__()
        self.store = BrokenStore(fail_at)

    def at(self, uri: str, connection: str | None = None) -> BrokenStore:  # noqa: ARG002
        return self.store


class BrokenStore(LocalStore):
    """A folder whose n-th write fails."""

    def __init__(self, fail_at: int) -> None:
        self.left = fail_at

    def write(self, uri: str, data: bytes) -> None:
        self._count(uri)
        super().write(uri, data)

    def upload(self, uri: str, path: Path) -> None:
        self._count(uri)
        super().upload(uri, path)

    def _count(self, uri: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError(f"no space left for {uri}")


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
    clean = tmp_path / "clean"
    clean.mkdir()
    with opened(clean, archive) as run:
        run_partition(run, DAY)
    expected = stored_rows(clean, *RESULTS), in_place(files(clean / "workspace"), clean)

    kills = 0
    while True:
        folder = tmp_path / f"killed-{kills}"
        folder.mkdir()
        storage = BrokenStorage(fail_at=kills + 1)
        with opened(folder, archive, storage=storage) as run, suppress(KilledError):
            run_partition(run, DAY)
        if storage.store.left > 0:
            break
        with opened(folder, archive) as run:
            run_partition(run, DAY)
        found = stored_rows(folder, *RESULTS), in_place(files(folder / "workspace"), folder)
        assert {
            name: rows
            for name, rows in found[0].items()
            if _without_paths(rows, folder) != _without_paths(expected[0][name], clean)
        } == {}
        assert found[1] == expected[1], f"killed at write {kills + 1}"
        kills += 1

    assert kills > 10


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


def test_a_disk_that_is_full_fails_the_day_in_words(tmp_path, archive):
    class FullStore(LocalStore):
        def write(self, uri: str, data: bytes) -> None:
            if uri.endswith("curated.parquet"):
                raise OSError(28, "No space left on device")
            super().write(uri, data)

    storage = Storage()
    storage._local = FullStore()
    with opened(tmp_path, archive, storage=storage) as run:
        run_partition(run, DAY)

        state = run.store.state(DAY)
        assert state.status is Status.FAILED
        assert state.message == "OSError; see the log"
