"""`mlmon check --data`: what a run would find of a day, its labels and the reference."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of


@pytest.fixture
def archive(tmp_path: Path, monkeypatch) -> BaseArchive:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    archive = BaseArchive(tmp_path, labels=LABELS)
    archive.write_day(FIRST)
    return archive


def check(archive: BaseArchive, *options: str, replace: tuple[str, str] = ("", "")) -> int:
    path = archive.folder / "m.yaml"
    path.write_text(archive.spec_text.replace(*replace))
    return main(["check", str(path), "--data", *options])


def found(archive: BaseArchive, capsys, *options: str, replace: tuple[str, str] = ("", "")) -> dict[str, object]:
    check(archive, "--json", *options, replace=replace)
    return json.loads(capsys.readouterr().out)["data"]


def test_the_newest_day_is_read_as_a_run_reads_it(archive, capsys):
    ids = [None, "twice", "twice", *(str(n) for n in range(ROWS - 3))]
    amounts = ["12,5", *(str(n) for n in range(ROWS - 1))]
    table = day_table(day_of(1)).set_column(0, "id", pa.array(ids)).set_column(2, "amount", pa.array(amounts))
    archive.write_day(day_of(1), table.append_column("extra", pa.array(range(ROWS))))
    archive.write_day(
        day_of(1), day_table(day_of(1)).rename_columns([*table.column_names[:4], "Score", "flagged"]), "b.pq"
    )
    archive.write("preds/dt=2026-03-02/_SUCCESS", b"")
    archive.write("preds/dt=2026-03-02/part-1.parquet", b"PAR1")
    archive.write_labels(day_of(2), labels_of(day_table(FIRST)))

    assert check(archive) == 0
    out = capsys.readouterr().out
    for said in (
        "day 2026-03-02: PARTIAL",
        "3 files: 2 read, 1 refused",
        "part-1.parquet: not a readable Parquet file",
        "1 passed over",
        "_SUCCESS",
        "read as parquet (3)",
        "400 rows read, 398 accepted, 2 quarantined",
        "1 rows: id is empty",
        "1 rows: id is a duplicate with other values",
        "column 'score' is missing: the file has 'Score' (200 values)",
        "columns that the spec does not declare: Score, extra",
        "labels: 200 received in the delivery of 2026-03-03",
        "reference: 2,800 rows of 14 days, in 1 files",
        "no labels (none is declared by reference.label)",
    ):
        assert said in out
    assert re.search(r"^    amount .*\(1 values\)$", out, re.MULTILINE)
    assert not (archive.folder / "home").exists()


def test_a_day_can_be_named_and_nothing_wrong_is_nothing_said(archive, capsys):
    archive.write_day(day_of(1), day_table(day_of(1)).slice(0, 3))

    data = found(archive, capsys, "--partition", "2026-03-01")
    assert (data["good"], data["day"]["status"], data["day"]["manifest"]["rows_accepted"]) == (True, "OK", ROWS)


@pytest.mark.parametrize("wrong", ["archive/pred/dt=", "archive/preds/day="])
def test_where_nothing_is_it_is_said_where_it_looked_and_what_is_there(archive, capsys, wrong):
    replace = ("archive/preds/dt=", wrong)

    data = found(archive, capsys, replace=replace)
    assert check(archive, replace=replace) == 1
    assert data["good"] is False
    assert wrong in data["day"]["looked_in"][0]
    assert data["day"]["suggestion"] == f"{archive.root}/preds/dt={{date}}/"
    assert f"{archive.root}/preds/dt=2026-03-01/part-0.parquet" in data["day"]["around"]


def test_what_the_reference_lacks_and_cannot_be_known_for_it(archive, capsys):
    table = day_table(FIRST).drop_columns(["id", "at", "score", "country"])
    archive.write(
        "reference/part-0.parquet", table.set_column(0, "amount", pa.array(["x", *("1" for _ in range(199))]))
    )

    data = found(archive, capsys)
    said = data["reference"]["unknown"]
    assert [line.split(":")[0] for line in said] == [
        "no ids (id)",
        "no event times (at)",
        "no score (score)",
        "no value of country",
        "no labels (none is declared by reference.label)",
    ]
    assert any(line.startswith("amount ") and line.endswith("(1 values)") for line in data["reference"]["told"])
    assert data["good"] is True


def test_a_reference_that_is_not_there(archive, capsys):
    assert check(archive, replace=("/reference/", "/refs/")) == 1
    out = capsys.readouterr().out
    assert f"reference: cannot be used: no files at {archive.root}/refs" in out
    assert f"{archive.root}/reference/part-0.parquet" in out


def test_formats_and_separators_are_recognised(archive, capsys):
    lines = ["id;at;amount;country;score;flagged", "a;2026-03-02T10:00:00Z;1.5;DE;0.5;true"]
    archive.write("preds/dt=2026-03-02/part-0.csv", "\n".join(lines).encode())

    assert found(archive, capsys)["day"]["formats"] == {"csv, separated by ;": 1}


def test_mistakes_in_the_spec_are_told_first(archive, capsys):
    assert check(archive, replace=("type: float", "type: flaot")) == 2
    assert main(["check", str(archive.folder / "m.yaml"), "--partition", "2026-03-01"]) == 2
    assert "--partition" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "init"])
def test_other_commands_say_what_is_there_too(archive, capsys, command):
    wrong = f"{archive.root}/pred/dt=2026-03-01"

    assert main([command, wrong, wrong] if command == "compare" else [command, wrong]) != 0
    said = capsys.readouterr().err
    assert wrong in said
    assert f"{archive.root}/preds/dt=2026-03-01/part-0.parquet" in said


def test_a_missing_key_for_personal_columns_is_said_and_all_else_too(archive, capsys):
    assert check(archive, replace=("country: {type: category}", "country: {type: category, personal: hash}")) == 0
    out = capsys.readouterr().out
    assert "hash_key is not set here" in out
    assert "200 rows read, 200 accepted" in out


def test_ids_of_labels_in_another_spelling_are_named(archive, capsys):
    labels = labels_of(day_table(FIRST))
    blank = pa.array([f"{name} " for name in labels.column("id").to_pylist()])
    archive.write_labels(FIRST, labels.set_column(0, "id", blank))

    assert check(archive, "--partition", str(FIRST)) == 0
    assert "200 would without blanks around them: set `labels.ids: strip`" in capsys.readouterr().out
