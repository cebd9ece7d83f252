"""Windows of days against the reference, from stored profiles alone; and the layout, as people read it."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.drift.compare import compare
from airflow_mlmon.drift.methods import score
from airflow_mlmon.drift.windows import paired_limits, window_limits
from airflow_mlmon.errors import StateError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import roll_up
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import ProfileState
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import Night, Status
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, Archive, day_table
from tests.support.nightly_model import judge_night
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
        judge_night(run, Partition.of_day("loans", day(NIGHTS - 1)))
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
    (baseline,) = window.baselines
    assert (window.rows, baseline.usual.windows, baseline.usual.apart) == (480, 7, 2)
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


@pytest.fixture
def run_with(made, tmp_path):
    """Opens the run under a spec with one more line; a baseline changes no layout."""

    @contextmanager
    def open_(line: str):
        shutil.copy(made / "store.db", tmp_path)
        more = ("\nhistory:", f"\n{line}\nhistory:")
        with opened(tmp_path, _archive_of(made), more, workspace=str(made / "workspace")) as run:
            yield run

    return open_


def _summed(run: Run, *offsets: int):
    reference = pinned_reference(run)
    return sum_profiles(reference.layout, (profile_table(day_table(day(o)), reference.layout) for o in offsets))


def test_a_window_is_measured_against_the_baseline_of_the_spec(run_with):
    with run_with("baseline: {trailing: 6}") as run:
        (window,) = windows(run, 3, 5, 3)

        before, now = _summed(run, *range(-3, 3)), _summed(run, 3, 4, 5)
        nights = [_summed(run, offset) for offset in range(-3, 3)]
        limits = window_limits(pinned_reference(run).layout, nights, "psi", 0.95, 3)
    (baseline,) = window.baselines
    found = {column.column: column for column in window.columns}
    assert found["amount"].score == score("psi", before.columns["amount"], now.columns["amount"])
    assert found["amount"].limit == limits["amount"].limit
    assert list(baseline.facts.nights) == [day(offset) for offset in range(-3, 3)]
    assert (baseline.usual.windows, baseline.usual.apart) == (4, 2)


def test_the_previous_window_is_judged_by_how_far_such_windows_lie(run_with):
    with run_with("baseline: previous") as run:
        (window,) = windows(run, 3, 5, 3)

        spans = [_summed(run, *range(start, start + 3)) for start in range(-9, 1)]
        layout = pinned_reference(run).layout
        limits = paired_limits(layout, list(zip(spans, spans[3:], strict=False)), "psi", 0.95, fewest=2)
    (baseline,) = window.baselines
    assert (baseline.facts.title, list(baseline.facts.nights)) == ("the 3 days before", [day(0), day(1), day(2)])
    assert {column.column: column.limit for column in window.columns} == {
        name: limit.limit for name, limit in limits.items()
    }
    assert (baseline.usual.windows, baseline.usual.apart) == (7, 2)


def test_each_column_of_a_window_has_its_own_baseline(run_with):
    with run_with("baselines: {term: {trailing: 6}, score: {same_weekday: 2}}") as run:
        (window,) = windows(run, 4, 5, 2)

    weekdays = next(baseline for baseline in window.baselines if baseline.facts.columns == ("score",))
    assert list(weekdays.facts.nights) == [day(-10), day(-9), day(-3), day(-2)]
    assert {baseline.facts.title for baseline in window.baselines} == {
        "the reference",
        "the trailing 6 days",
        "the same weekday of the 2 weeks before",
    }
    assert [column.column for column in window.columns][-2:] == ["score", "approved"]


def test_another_baseline_may_be_asked_for(run_with):
    with run_with("baseline: previous") as run:
        (window,) = roll_up(run, day(3), day(5), 3, Baseline(reference=True))

    assert [baseline.facts.title for baseline in window.baselines] == ["the reference"]


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("baseline: {trailing: 5}", "no limit: 5 nights of the trailing 5 days hold no two windows of 3"),
        (
            "baseline: {dates: {from: 2026-04-01, to: 2026-04-09}}",
            "2026-04-01 to 2026-04-09: 0 of 9 nights, at least 5 are needed",
        ),
    ],
)
def test_a_baseline_too_short_for_the_window_is_not_enough_data(run_with, line, note):
    with run_with(line) as run:
        (window,) = windows(run, 3, 5, 3)

    assert {column.state for column in window.columns} == {"INSUFFICIENT_DATA"}
    assert {column.note for column in window.columns} == {note}


def test_a_history_too_short_for_previous_windows_is_not_enough_data(run_with):
    with run_with("baseline: previous") as run:
        (window,) = windows(run, 1, 5, 5)

    assert {column.state for column in window.columns} == {"INSUFFICIENT_DATA"}
    assert window.columns[1].note == "no limit: too few nights to say how far such a window lies from the 5 days before"


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
        assert "2026-03-01 to 2026-03-05: 5 of 5 nights, 400 rows\n" in out
        assert "  against the reference (12 nights), limits from 8 windows of 5 nights (2 apart)\n" in out
        assert "1 of 2 nights, 80 rows" in out
        assert "1 left out (no profile)" in out

    def test_drift_prints_an_object_a_window(self, capsys):
        main(["drift", "loans.yaml", "--from", str(day(0)), "--to", str(day(5)), "--window", "3d", "--json"])

        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [window["first"] for window in found] == [str(day(0)), str(day(3))]
        (baseline,) = found[0]["baselines"]
        assert (baseline["title"], baseline["windows"], baseline["apart"]) == ("the reference", 10, 4)
        assert len(baseline["nights"]) == 12
        assert baseline["nights"][0]["version"].startswith("reference ")
        assert {"column", "baseline", "score", "limit", "state", "windows"} <= set(found[0]["columns"][0])

    def test_drift_names_the_baseline_that_was_asked_for(self, made, capsys):
        asked = ["--from", str(day(3)), "--to", str(day(5)), "--window", "3d", "--baseline", "previous"]
        assert main(["drift", "loans.yaml", "--json", *asked]) == 0

        found = json.loads(capsys.readouterr().out)
        (baseline,) = found["baselines"]
        assert (baseline["title"], baseline["kind"]) == ("the 3 days before", "previous")
        assert [night["partition"] for night in baseline["nights"]] == [str(day(offset)) for offset in range(3)]
        with MetricStore(f"sqlite:///{made}/store.db") as store:
            versions = [night.version for night in store.nights("loans", day(0), day(2))]
        assert [night["version"] for night in baseline["nights"]] == versions
        assert {column["baseline"] for column in found["columns"]} == {"the 3 days before"}

    @pytest.mark.parametrize("name", ["trailin:3", "trailing", "trailing:1", "dates:2026-03-01", ""])
    def test_a_baseline_that_is_none_is_a_wrong_call(self, name, capsys):
        days = ["--from", str(FIRST), "--to", str(FIRST)]

        assert main(["drift", "loans.yaml", *days, "--baseline", name]) == 2
        assert "is not a baseline. Hint: give reference, previous, trailing:28" in capsys.readouterr().err

    def test_days_that_nobody_ran_exit_with_1(self):
        assert main(["drift", "loans.yaml", "--from", str(day(90)), "--to", str(day(96))]) == 1

    def test_a_window_without_a_length_is_a_wrong_call(self, capsys):
        assert main(["drift", "loans.yaml", "--from", str(FIRST), "--to", str(FIRST), "--window", "week"]) == 2
        assert "give days or weeks" in capsys.readouterr().err

    def test_layout_show_prints_what_is_pinned(self, capsys):
        assert main(["layout", "show", "loans.yaml"]) == 0

        out = capsys.readouterr().out
        assert "5 columns, pinned from 960 rows of 12 nights, 2026-02-17 to 2026-02-28" in out
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
