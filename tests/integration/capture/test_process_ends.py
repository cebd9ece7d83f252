"""However a process ends, its rows are in the archive, in the spool, or counted as lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.capture_process import ROWS
from tests.support.captured import log_rows, open_capture, read_archive
from tests.support.environments import ROOT
from tests.support.processes import PATIENCE_S


def start(way: str, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.capture_process", way, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment})


def run(way: str, folder: Path, **environment: str) -> int:
    return start(way, folder, **environment).wait(PATIENCE_S)


def logged(folder: Path, at_least: int = 0) -> int:
    """Rows that `log_forever` has logged, once there are so many."""
    path, deadline = folder / "logged", time.monotonic() + PATIENCE_S
    while True:
        rows = int.from_bytes(path.read_bytes(), "little") if path.exists() else 0
        if rows >= at_least:
            return rows
        assert time.monotonic() < deadline, "the process has logged nothing"
        time.sleep(0.01)


def waiting(folder: Path) -> list[Path]:
    """What the processes of the capture have left in the spool."""
    return [path for path in (folder / "spool").rglob("*") if path.is_file()]


def test_the_end_of_the_interpreter_writes_what_waits(tmp_path):
    assert run("log", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    assert len(set(found.ids)) == ROWS
    assert [marks.closing for marks in found.marks] == [True]
    assert waiting(tmp_path) == []


@pytest.mark.parametrize("rows", [1, pytest.param(200, id="200", marks=pytest.mark.guards("fault-48")), 5000])
def test_sigterm_loses_no_row(tmp_path, rows):
    process = start("log_forever", tmp_path)
    logged(tmp_path, rows)
    process.terminate()
    assert process.wait(PATIENCE_S) == -signal.SIGTERM
    found = read_archive(tmp_path / "archive")
    # the signal may come between a row and its mark
    assert len(set(found.ids)) + sum(found.dropped.values()) in range(logged(tmp_path), logged(tmp_path) + 2)
    assert sum(marks.closing for marks in [*found.marks, *found.ends]) == 1


def test_the_handler_of_a_service_stays(tmp_path):
    assert run("meet_term", tmp_path) == 7
    assert len(read_archive(tmp_path / "archive").ids) == ROWS


@pytest.mark.guards("fault-49")
def test_a_killed_process_is_accounted_for_by_the_next(tmp_path):
    process = start("log_forever", tmp_path)
    logged(tmp_path, 3000)
    process.kill()
    process.wait()
    assert run("log", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    (lost,) = found.lost
    dead = [key for key in found.ids if key.startswith(lost.process)]
    assert len(set(dead)) == len(dead) == lost.published
    assert lost.published + lost.lost + sum(found.dropped.values()) == lost.accepted
    assert lost.accepted in range(logged(tmp_path), logged(tmp_path) + 2)
    assert waiting(tmp_path) == []


@pytest.mark.guards("fault-47")
def test_copies_of_a_process_are_processes_of_their_own(tmp_path):
    assert run("fork", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    assert len(found.ids) == len(set(found.ids)) == 5 * ROWS
    assert len({marks.process for marks in found.marks}) == 4
    assert sum(marks.closing for marks in [*found.marks, *found.ends]) == 4
    assert (found.lost, waiting(tmp_path)) == ([], [])


def test_a_fork_in_the_midst_of_calls_leaves_all_rows_whole(tmp_path):
    assert run("fork_busy", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    assert len(found.ids) + sum(found.dropped.values()) == (2 * 20 + 6) * ROWS
    assert len(set(found.ids)) == len(found.ids)
    assert len({marks.process for marks in found.marks}) == 7
    assert (found.lost, waiting(tmp_path)) == ([], [])


def test_a_process_that_only_forks_leaves_no_trace(tmp_path):
    assert run("fork_unused", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    assert len(set(found.ids)) == 2 * ROWS
    assert {marks.process for marks in found.marks} == {key[:12] for key in found.ids}
    assert len(found.marks) == 2


def test_rows_after_the_end_are_counted(tmp_path):
    assert run("log_late", tmp_path) == 0
    assert len(read_archive(tmp_path / "archive").ids) == ROWS
    assert (tmp_path / "late").read_text() == str(ROWS)


@pytest.mark.guards("fault-45")
def test_a_full_disk_costs_rows_and_is_told(tmp_path):
    assert run("hit_limit", tmp_path) == 0
    found = read_archive(tmp_path / "archive")
    assert found.dropped["disk_full"] > 0
    assert len(found.ids) + sum(found.dropped.values()) == 5000 + ROWS
    assert waiting(tmp_path) == []


def test_flush_brings_rows_to_the_archive(tmp_path):
    with open_capture(tmp_path, flush_seconds=60) as capture:
        ids = log_rows(capture, 10)
        assert capture.flush(PATIENCE_S)
        assert sorted(read_archive(tmp_path / "archive").ids) == sorted(ids)
    (end,) = read_archive(tmp_path / "archive").ends
    assert (end.closing, end.rows) == (True, 0)
