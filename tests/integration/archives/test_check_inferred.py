"""`mlmon check` lists the checks that are inferred, and why not others, before and after a run pins the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.cli.main import main
from tests.support.base_day import FIRST, BaseArchive


@pytest.fixture
def archive(tmp_path: Path, monkeypatch) -> BaseArchive:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    archive = BaseArchive(tmp_path)
    archive.write_day(FIRST)
    (tmp_path / "m.yaml").write_text(archive.spec_text)
    return archive


def checks(archive: BaseArchive, capsys, *options: str) -> dict[str, Any]:
    assert main(["check", str(archive.folder / "m.yaml"), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)["checks"]


def test_the_inferred_checks_are_listed_before_and_after_the_reference_is_pinned(archive, capsys):
    unknown = checks(archive, capsys)
    read = checks(archive, capsys, "--data")
    assert main(["run", str(archive.folder / "m.yaml"), "--partition", str(FIRST)]) == 0
    capsys.readouterr()
    pinned = checks(archive, capsys)

    assert unknown["inferred"] is None
    assert "`mlmon check --data` lists them before" in unknown["source"]
    assert (read["source"], pinned["source"]) == ("the reference", "the pinned reference")
    assert (read["inferred"], read["withheld"]) == (pinned["inferred"], pinned["withheld"])
    assert {
        "expectation": "expect_column_values_to_be_between",
        "column": "score",
        "expected": "between 0 and 1",
    } in pinned["inferred"]
    assert pinned["withheld"] == {"at": "rows without it, or of another day, are quarantined"}


def test_in_words_they_are_a_line_for_each_expectation_and_for_each_reason(archive, capsys):
    assert main(["check", str(archive.folder / "m.yaml"), "--data"]) == 0

    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("checks: "))
    assert lines[at].endswith("inferred from the reference; recorded, they alert no one")
    assert [line.split(":")[0].strip() for line in lines[at + 1 : at + 6]] == [
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "rows without it, or of another day, are quarantined",
    ]


def test_written_checks_are_counted_and_none_is_inferred(archive, capsys):
    (archive.folder / "m.yaml").write_text(f"{archive.spec_text}quality: []\n")

    assert main(["check", str(archive.folder / "m.yaml")]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("0 alert rules, 0 checks")
