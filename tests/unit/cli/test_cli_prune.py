"""`mlmon prune`: what it prints, what it deletes, and how it exits."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.records import PartitionState, Status
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened, write_file

OLD = FIRST.isoformat()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two evaluated days, each with rows and refused rows; labels may still come for the second."""
    archive = Archive(str(tmp_path / "archive"), write_file)
    (tmp_path / "kept.yaml").write_text(archive.spec_text())
    (tmp_path / "loans.yaml").write_text(archive.spec_text(extra=["retention: {rows: 5, quarantine: 5}"]))
    with opened(tmp_path, archive) as run:
        for day in (FIRST, FIRST + timedelta(days=20)):
            counts = dict.fromkeys(("rows_read", "rows_accepted", "rows_quarantined"), 1)
            of = run.partition(day)
            state = PartitionState(partition=of, status=Status.OK, version="v1", schema="abc", **counts)
            run.store.publish(state, [], supersedes=None)
            for name, size in (("curated.parquet", 1_500), ("quarantine.parquet", 100), ("abc.profile", 10)):
                uri = run.version_uri(of, "v1", name)
                write_file(uri, b"x" * size)
                os.utime(uri, (0, 0))
    return tmp_path


@pytest.fixture
def call(folder: Path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")

    def call(spec: str, *arguments: str) -> tuple[int, str, str]:
        places = ["--store", f"sqlite:///{folder}/store.db", "--workspace", str(folder / "workspace")]
        code = main(["prune", spec, *places, *arguments])
        return code, *capsys.readouterr()

    return call


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "workspace").rglob("*"))


def test_without_yes_it_says_what_would_go_and_deletes_nothing(folder, call):
    code, printed, _ = call("loans.yaml")

    assert code == 0
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert f"rows 5 days 1 1 1.5 KB 0 {OLD} 2026-03-21 (labels may still come)" in lines
    assert f"quarantine 5 days 2 2 200 B 0 2 days, {OLD} to 2026-03-21" in lines
    assert lines[-1] == "nothing was deleted; --yes deletes it"
    assert files(folder) == 6


def test_with_yes_it_deletes_and_a_second_call_has_nothing_to_do(folder, call):
    def said() -> list[dict[str, Any]]:
        code, printed, complaint = call("loans.yaml", "--yes", "--json")
        assert code == 0, complaint
        return [json.loads(line) for line in printed.splitlines()]

    assert said() == [
        {
            "kind": "rows",
            "older_than_days": 5,
            "days": [OLD],
            "files": 1,
            "bytes": 1_500,
            "records": 0,
            "kept": {"labels may still come": ["2026-03-21"]},
            "deleted": True,
        },
        {
            "kind": "quarantine",
            "older_than_days": 5,
            "days": [OLD, "2026-03-21"],
            "files": 2,
            "bytes": 200,
            "records": 0,
            "kept": {},
            "deleted": True,
        },
    ]
    assert files(folder) == 3
    assert [found["files"] for found in said()] == [0, 0]


def test_a_spec_without_ages_and_an_absent_store_are_named(folder, call):
    code, _, complaint = call("kept.yaml", "--yes")
    assert code == 2
    assert complaint == ("The spec of loans keeps everything. Hint: give ages in days, as in `retention: {rows: 90}`\n")
    (folder / "store.db").unlink()
    code, _, complaint = call("loans.yaml")
    assert (code, "does not exist" in complaint) == (1, True)
    assert files(folder) == 6


@pytest.mark.parametrize("ages", ["{rows: 0}", "{row: 5}"])
def test_an_age_that_is_none_is_refused(folder, call, ages):
    spec = folder / "loans.yaml"
    spec.write_text(spec.read_text().replace("{rows: 5, quarantine: 5}", ages))
    code, _, complaint = call("loans.yaml")
    assert (code, "retention" in complaint) == (2, True)
