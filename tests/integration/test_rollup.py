"""Windows of days against the reference, from stored profiles alone; and the layout, as people read it."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.drift.compare import compare
from airflow_mlmon.errors import StateError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.night import run_night
from airflow_mlmon.pipeline.reference import pinned_reference
from airflow_mlmon.pipeline.rollup import roll_up
from airflow_mlmon.pipeline.stored import ProfileState
from airflow_mlmon.profiles.local import profile_table
from airflow_mlmon.records import Night, Status
from tests.support.archive import FIRST, Archive, day_table
from tests.support.runs import local_archive, opened, write_file

NIGHTS = 6


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A model of which one night was run, with the five before it as its history."""
    folder = tmp_path_factory.mktemp("rollup")
    archive = local_archive(folder, NIGHTS)
    with opened(folder, archive) as run:
        run_night(run, Partition.of_day("loans", day(NIGHTS - 1)))
    (folder / "loans.yaml").write_text(archive.spec_text())
    shutil.rmtree(folder / "archive")
    return folder


@pytest.fixture
def run(made, tmp_path):
    shutil.copy(made / "store.db", tmp_path)
    with opened(tmp_path, _archive_of(made), workspace=str(made / "workspace")) as run:
        yield run


def _archive_of(folder: Path):
    return Archive(str(folder / "archive"), write_file)


def windows(run: Run, first: int, last: int, length: int):
    return list(roll_up(run, day(first), day(last), length))


def test_a_window_is_the_drift_of_its_rows_together(run):
    (window,) = windows(run, 0, 5, 6)

    reference = pinned_reference(run)
    rows = pa.concat_tables([day_table(day(offset)) for offset in range(6)])
    expected = compare(
        reference.layout, reference.profile, profile_table(rows, reference.layout), method="psi", limits={}
    )
    assert [column.score for column in window.columns] == [column.score for column in expected]
    assert (window.rows, window.windows, window.apart) == (480, 7, 2)
    assert {column.nights for column in window.columns} == {7}


def test_windows_cover_the_range_and_the_last_is_shorter(run):
    found = windows(run, 0, 5, 4)

    assert [(window.first, window.last, len(window.nights)) for window in found] == [
        (day(0), day(3), 4),
        (day(4), day(5), 2),
    ]


def test_days_without_profile_are_named(run):
    (window,) = windows(run, 4, 7, 4)

    assert list(window.nights) == [day(4), day(5)]
    assert window.skipped == {day(6): ProfileState.NONE, day(7): ProfileState.NONE}


def test_nights_of_the_reference_are_measured_against_the_others(run):
    (window,) = windows(run, -3, -1, 3)

    assert {column.rows_reference for column in window.columns if column.column == "score"} == {9 * 80}


def test_another_layout_is_said_and_never_mixed(run):
    night = run.store.night(Partition.of_day("loans", day(1)))
    assert night is not None
    moved = {name: getattr(night, name) for name in Night.__slots__} | {"layout": "0" * 12}
    run.store.publish(Night(**moved), [], supersedes=night.version)

    (window,) = windows(run, 0, 2, 3)

    assert window.skipped == {day(1): "layout differs: reprofile"}
    assert window.rows == 160


def test_a_failed_night_is_left_out(run):
    run.store.record_failure(Partition.of_day("loans", day(1)), "broken")

    assert windows(run, 0, 2, 3)[0].skipped == {day(1): ProfileState.FAILED}
    night = run.store.night(Partition.of_day("loans", day(1)))
    assert night.status is Status.FAILED


def test_a_reference_too_short_for_the_window_is_not_enough_data(run):
    (window,) = windows(run, -2, 5, 8)

    assert {column.state for column in window.columns} == {"INSUFFICIENT_DATA"}
    assert window.columns[0].note == "no limit: 12 nights of the reference hold no two windows of 8"


def test_a_changed_spec_is_said(made, tmp_path):
    shutil.copy(made / "store.db", tmp_path)
    with (
        opened(tmp_path, _archive_of(made), ("amount: {type: float}", "amount: {type: float, required: true}")) as run,
        pytest.raises(StateError, match="reprofile"),
    ):
        windows(run, 0, 1, 2)


@pytest.fixture
def at_home(made, monkeypatch):
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{made}/store.db")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", str(made / "workspace"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(made)


@pytest.mark.usefixtures("at_home")
class TestCommands:
    def test_drift_prints_a_table_a_window(self, capsys):
        assert main(["drift", "loans.yaml", "--from", str(day(0)), "--to", str(day(6)), "--window", "5d"]) == 0

        out = capsys.readouterr().out
        assert "2026-03-01 to 2026-03-05: 5 of 5 nights, 400 rows; limits from 8 windows" in out
        assert "1 of 2 nights, 80 rows" in out
        assert "1 left out (no profile)" in out

    def test_drift_prints_an_object_a_window(self, capsys):
        main(["drift", "loans.yaml", "--from", str(day(0)), "--to", str(day(5)), "--window", "3d", "--json"])

        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [window["first"] for window in found] == [str(day(0)), str(day(3))]
        assert found[0]["reference"] == {"windows": 10, "apart": 4}
        assert {"column", "score", "limit", "state", "windows"} <= set(found[0]["columns"][0])

    def test_days_that_nobody_ran_exit_with_1(self):
        assert main(["drift", "loans.yaml", "--from", str(day(90)), "--to", str(day(96))]) == 1

    def test_a_window_without_a_length_is_a_wrong_call(self, capsys):
        assert main(["drift", "loans.yaml", "--from", str(FIRST), "--to", str(FIRST), "--window", "week"]) == 2
        assert "write days or weeks" in capsys.readouterr().err

    def test_layout_show_prints_what_is_pinned(self, capsys):
        assert main(["layout", "show", "loans.yaml"]) == 0

        out = capsys.readouterr().out
        assert "6 columns, pinned from 960 rows of 12 nights, 2026-02-17 to 2026-02-28" in out
        assert "quantum" in out
        assert "web" not in out

    def test_layout_show_prints_json(self, capsys):
        main(["layout", "show", "--json", "loans.yaml"])

        found = json.loads(capsys.readouterr().out)
        columns = {column["name"]: column for column in found["columns"]}
        assert (found["current"], found["reference"]["nights"]) == (True, 12)
        assert columns["channel"]["vocabulary"] == 3
        assert columns["term"]["atoms"] == [12.0, 24.0, 36.0]

    def test_layout_show_says_when_nothing_is_pinned(self, made, capsys):
        text = (made / "loans.yaml").read_text().replace("model: loans", "model: others")
        (made / "others.yaml").write_text(text)

        assert main(["layout", "show", "others.yaml"]) == 1
        assert "No layout is pinned for others" in capsys.readouterr().err
