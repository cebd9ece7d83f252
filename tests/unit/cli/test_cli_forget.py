"""Days that are taken back or refused in the shell: what is printed, and how the commands exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.records import PartitionState, Status
from tests.support.archive import FIRST, Archive
from tests.support.published import results
from tests.support.runs import opened, write_file

SECOND = FIRST + timedelta(days=1)


@pytest.fixture
def call(tmp_path: Path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Two evaluated days, the second resting on the first."""
    archive = Archive(str(tmp_path / "archive"), write_file)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    with opened(tmp_path, archive) as run:
        for day in (FIRST, SECOND):
            of = run.partition(day)
            state = PartitionState(
                partition=of,
                status=Status.OK,
                version="v1",
                schema="abc",
                rows_read=1,
                rows_accepted=1,
                rows_quarantined=0,
            )
            run.store.publish(state, [results(of)], supersedes=None, bases={FIRST: "v1", day: "v1"})
            write_file(run.version_uri(of, "v1", "curated.parquet"), b"x" * 1_500)
    monkeypatch.chdir(tmp_path)

    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        places = ["--store", f"sqlite:///{tmp_path}/store.db", "--workspace", str(tmp_path / "workspace")]
        code = main([command, "loans.yaml", *places, *arguments])
        return code, *capsys.readouterr()

    return call


def test_forgotten_day_is_counted_and_what_is_left_to_do_is_named(call):
    code, printed, _ = call("forget", "--partition", str(FIRST), "--why", "half of it was missing", "--by", "ann")

    assert code == 0
    assert printed.splitlines() == [
        "loans 2026-03-01 is forgotten: 3 metrics, 1 verdict, 1 check, 0 alerts; 1 files (1.5 KB)",
        "verdicts of 1 days rested on it and are stale: mlmon evaluate loans.yaml --from 2026-03-02 --to 2026-03-02",
    ]


def test_forgotten_day_is_one_object_in_json(call, tmp_path):
    code, printed, _ = call("forget", "--partition", str(SECOND), "--why", "mistyped", "--json")

    found = json.loads(printed)
    assert (code, found["partition"], found["status"], found["files"], found["stale"]) == (0, "2026-03-02", "OK", 1, [])
    with opened(tmp_path, Archive(str(tmp_path / "archive"), write_file)) as run:
        assert [entry.why for entry in run.store.audit("loans")] == ["mistyped"]


def test_second_call_finishes_and_another_day_is_unknown(call):
    call("forget", "--partition", str(SECOND), "--why", "mistyped")

    assert call("forget", "--partition", str(SECOND), "--why", "mistyped")[0] == 0
    code, printed, said = call("forget", "--partition", "2026-03-09", "--why", "mistyped")
    assert (code, printed) == (1, "")
    assert "Nothing is stored of loans 2026-03-09." in said


@pytest.mark.parametrize(
    ("command", "days", "said"),
    [
        ("run", ("--partition", "2999-03-07"), "loans 2999-03-07 is refused: the day is not over before 2999-03-08"),
        ("run", ("--partition", "2026-02-28"), "loans 2026-02-28 is refused: it is before 2026-03-01"),
        ("backfill", ("--from", "2026-02-26", "--to", "2026-03-01"), "So are 2 more of the 4 days."),
    ],
    ids=["future", "before start", "range"],
)
def test_day_that_cannot_be_meant_is_refused_before_anything_is_written(call, tmp_path, command, days, said):
    before = (tmp_path / "store.db").read_bytes()

    code, printed, error = call(command, *days)

    assert (code, printed) == (2, "")
    assert said in error
    assert "--force" in error
    assert (tmp_path / "store.db").read_bytes() == before


def test_day_that_is_meant_is_run_with_force(call, tmp_path):
    Archive(str(tmp_path / "archive"), write_file).write_reference()

    code, printed, _ = call("run", "--partition", "2999-03-07", "--force", "--json")

    assert code == 1
    assert json.loads(printed)["status"] == "NO_DATA"
