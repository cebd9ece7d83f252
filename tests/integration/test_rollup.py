"""Windows of days against the reference, from stored profiles alone; and the profile schema, as people read it."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.drift.methods import score
from airflow_mlmon.errors import StateError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import roll_up
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import ProfileState
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import PartitionState, Status, VerdictState
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, Archive, day_table
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, write_file

DAYS = 6


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A model of which one day was run, with the five before it as its history."""
    folder = tmp_path_factory.mktemp("rollup")
    archive = local_archive(folder, DAYS)
    with opened(folder, archive) as run:
        evaluate_day(run, Partition.of_day("loans", day(DAYS - 1)))
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
    expected = compare_profiles(
        reference.schema, reference.profile, profile_table(rows, reference.schema), method="psi"
    )
    assert [column.score for column in window.columns] == [column.score for column in expected]
    assert window.rows == 480
    # two windows of six days are too few to show how such windows vary
    assert {(verdict.state, verdict.rule) for verdict in window.verdicts.values()} == {
        (VerdictState.OK, "sampling error only")
    }


def of_rows(window):
    """The verdicts on columns of the rows: the ids are all of one form, which has no variance between days."""
    return [verdict for name, verdict in window.verdicts.items() if not name.startswith("id.")]


def test_past_windows_of_as_many_days_show_how_far_they_vary(run):
    found = windows(run, 0, 5, 3)

    # twelve days of the reference are four windows, and the first window of the range is a fifth
    # where so few days say less than sampling error does, the baseline answers
    assert [{verdict.history for verdict in of_rows(window)} - {None} for window in found] == [{4}, {5}]
    assert {verdict.state for window in found for verdict in window.verdicts.values()} == {VerdictState.OK}


def test_a_window_that_moved_has_drifted(tmp_path):
    archive = local_archive(tmp_path, 3)
    for offset in range(3):
        archive.write_day(day(offset), shift=0.3)
    with opened(tmp_path, archive) as run:
        evaluate_day(run, Partition.of_day("loans", day(2)))
        (window,) = windows(run, 0, 2, 3)

    assert {name for name, one in window.verdicts.items() if one.state is VerdictState.BREACH} == {"score", "approved"}


def test_windows_cover_the_range_and_the_last_is_shorter(run):
    found = windows(run, 0, 5, 4)

    assert [(window.first, window.last, len(window.days)) for window in found] == [
        (day(0), day(3), 4),
        (day(4), day(5), 2),
    ]


def test_days_without_profile_are_named(run):
    (window,) = windows(run, 4, 7, 4)

    assert list(window.days) == [day(4), day(5)]
    assert window.skipped == {day(6): ProfileState.NONE, day(7): ProfileState.NONE}


def test_days_of_the_reference_are_measured_against_the_others(run):
    (window,) = windows(run, -3, -1, 3)

    assert {column.rows_reference for column in window.columns if column.column == "score"} == {9 * 80}


def test_another_schema_is_said_and_never_mixed(run):
    state = run.store.state(Partition.of_day("loans", day(1)))
    assert state is not None
    moved = {name: getattr(state, name) for name in PartitionState.__slots__} | {"schema": "0" * 12}
    run.store.publish(PartitionState(**moved), [], supersedes=state.version)

    (window,) = windows(run, 0, 2, 3)

    assert window.skipped == {day(1): "other profile schema: run mlmon reprofile"}
    assert window.rows == 160


def test_a_failed_day_is_left_out(run):
    run.store.record_failure(Partition.of_day("loans", day(1)), "broken")

    assert windows(run, 0, 2, 3)[0].skipped == {day(1): ProfileState.FAILED}
    state = run.store.state(Partition.of_day("loans", day(1)))
    assert state.status is Status.FAILED


@pytest.fixture
def run_with(made, tmp_path):
    """Opens the run under a spec with one more line; a baseline changes no profile schema."""

    @contextmanager
    def open_(line: str):
        shutil.copy(made / "store.db", tmp_path)
        more = ("\nhistory:", f"\n{line}\nhistory:")
        with opened(tmp_path, _archive_of(made), more, workspace=str(made / "workspace")) as run:
            yield run

    return open_


def _summed(run: Run, *offsets: int):
    reference = pinned_reference(run)
    return sum_profiles(reference.schema, (profile_table(day_table(day(o)), reference.schema) for o in offsets))


def test_a_window_is_measured_against_the_baseline_of_the_spec(run_with):
    with run_with("baseline: {trailing: 6}") as run:
        (window,) = windows(run, 3, 5, 3)

        before, now = _summed(run, *range(-3, 3)), _summed(run, 3, 4, 5)
    (baseline,) = window.baselines
    found = {column.column: column for column in window.columns}
    assert found["amount"].score == score("psi", before.columns["amount"], now.columns["amount"])
    assert list(baseline.facts.days) == [day(offset) for offset in range(-3, 3)]
    # five windows of three days lie before, of which two are the baseline's own
    assert {verdict.history for verdict in of_rows(window)} == {5}


def test_the_previous_window_is_the_baseline_and_those_before_show_how_far_others_lie(run_with):
    with run_with("baseline: previous") as run:
        (window,) = windows(run, 3, 5, 3)

    (baseline,) = window.baselines
    assert (baseline.facts.title, list(baseline.facts.days)) == ("the 3 days before", [day(0), day(1), day(2)])
    assert {(verdict.state, verdict.history) for verdict in of_rows(window)} == {(VerdictState.OK, 4)}


def test_each_column_of_a_window_has_its_own_baseline(run_with):
    with run_with("baselines: {term: {trailing: 6}, score: {same_weekday: 2}}") as run:
        (window,) = windows(run, 4, 5, 2)

    weekdays = next(baseline for baseline in window.baselines if baseline.facts.columns == ("score",))
    assert list(weekdays.facts.days) == [day(-10), day(-9), day(-3), day(-2)]
    assert {baseline.facts.title for baseline in window.baselines} == {
        "the reference",
        "the trailing 6 days",
        "the same weekday of the 2 weeks before",
    }
    assert [column.column for column in window.columns][3:5] == ["score", "approved"]


def test_another_baseline_may_be_asked_for(run_with):
    with run_with("baseline: previous") as run:
        (window,) = roll_up(run, day(3), day(5), 3, Baseline(reference=True))

    assert [baseline.facts.title for baseline in window.baselines] == ["the reference"]


def test_a_baseline_without_days_is_not_enough_data(run_with):
    with run_with("baseline: {dates: {from: 2026-04-01, to: 2026-04-09}}") as run:
        (window,) = windows(run, 3, 5, 3)

    assert {verdict.state for verdict in window.verdicts.values()} == {VerdictState.INSUFFICIENT_DATA}
    assert {column.note for column in window.columns} == {
        "2026-04-01 to 2026-04-09: 0 of 9 days; the reference has no rows"
    }


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
        assert "2026-03-01 to 2026-03-05: 5 of 5 days, 400 rows\n" in out
        assert "  against the reference (12 days)\n" in out
        assert "no drift" in out
        assert "sampling error only" in out
        assert "1 of 2 days, 80 rows" in out
        assert "1 excluded (no profile)" in out

    def test_drift_prints_an_object_a_window(self, capsys):
        main(["drift", "loans.yaml", "--from", str(day(0)), "--to", str(day(5)), "--window", "3d", "--json"])

        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [window["first"] for window in found] == [str(day(0)), str(day(3))]
        (baseline,) = found[0]["baselines"]
        assert baseline["title"] == "the reference"
        assert len(baseline["days"]) == 12
        assert baseline["days"][0]["version"].startswith("reference ")
        assert {"column", "baseline", "score", "effect", "p_value", "state", "rests_on"} <= set(found[0]["columns"][0])

    def test_drift_names_the_baseline_that_was_asked_for(self, made, capsys):
        asked = ["--from", str(day(3)), "--to", str(day(5)), "--window", "3d", "--baseline", "previous"]
        assert main(["drift", "loans.yaml", "--json", *asked]) == 0

        found = json.loads(capsys.readouterr().out)
        (baseline,) = found["baselines"]
        assert (baseline["title"], baseline["kind"]) == ("the 3 days before", "previous")
        assert [state["partition"] for state in baseline["days"]] == [str(day(offset)) for offset in range(3)]
        with MetricStore(f"sqlite:///{made}/store.db") as store:
            versions = [state.version for state in store.states("loans", day(0), day(2))]
        assert [state["version"] for state in baseline["days"]] == versions
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

    def test_schema_show_prints_what_is_pinned(self, capsys):
        assert main(["schema", "show", "loans.yaml"]) == 0

        out = capsys.readouterr().out
        assert "7 columns, pinned from 960 rows of 12 days, 2026-02-17 to 2026-02-28" in out
        assert "quantum" in out
        assert "web" not in out

    def test_schema_show_prints_json(self, capsys):
        main(["schema", "show", "--json", "loans.yaml"])

        found = json.loads(capsys.readouterr().out)
        columns = {column["name"]: column for column in found["columns"]}
        assert (found["current"], found["reference"]["days"]) == (True, 12)
        assert columns["channel"]["vocabulary"] == 3
        assert columns["term"]["atoms"] == [12.0, 24.0, 36.0]

    def test_schema_show_says_when_nothing_is_pinned(self, made, capsys):
        text = (made / "loans.yaml").read_text().replace("model: loans", "model: others")
        (made / "others.yaml").write_text(text)

        assert main(["schema", "show", "others.yaml"]) == 1
        assert "No profile schema is pinned for others" in capsys.readouterr().err
