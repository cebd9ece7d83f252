"""A new profile schema is carried to the past from curated rows alone, and changes nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import roll_up
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile
from tests.support.archive import FIRST, Archive, day_table, to_bytes
from tests.support.drift import drift_of
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened, stored_rows, write_file

DAYS = 4
LAST = FIRST + timedelta(days=DAYS - 1)
# another method has the reference read anew, and with it the profile schema
CHANGED = ("\nhistory:", "\ndrift: {method: jensenshannon}\nhistory:")


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two evaluated days behind two of history, and then another reference, and no archive."""
    archive = local_archive(tmp_path, DAYS)
    with opened(tmp_path, archive) as run:
        for offset in (2, 3):
            evaluate_day(run, Partition.of_day("loans", day(offset)))
    (tmp_path / "loans.yaml").write_text(archive.spec_text(CHANGED))
    shutil.rmtree(tmp_path / "archive" / "predictions")
    shutil.rmtree(tmp_path / "archive" / "labels")
    rows = pa.concat_tables([day_table(FIRST - timedelta(days=n), 90) for n in range(10, 0, -1)])
    write_file(f"{archive.root}/reference/part-0.parquet", to_bytes(rows))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:

    with opened(folder, Archive(str(folder / "archive"), write_file), CHANGED) as run:
        yield run


def carry(run: Run, first: int = 0, last: int = DAYS - 1) -> list[Carried]:
    return [found.state for found in reprofile(run, day(first), day(last))]


def test_stored_profiles_are_those_of_the_rows_under_the_new_schema(run):
    before = {state.schema for state in run.store.states("loans", FIRST, LAST)}

    assert carry(run) == [Carried.CARRIED] * DAYS

    schema = ensure_reference(run).schema
    states = run.store.states("loans", FIRST, LAST)
    assert {state.schema for state in states} == {schema.id} != before
    for state in states:
        data = run.files.read(profile_uri(run, state.partition, state.version, schema.id))
        assert Profile.from_bytes(data) == profile_table(day_table(state.partition.day), schema, clock=run.clock)


def test_drift_of_evaluated_days_is_measured_anew(run):
    carry(run)

    found = run.store.metric_details("loans", "drift_score", FIRST, LAST)
    # the label's drift is of the labels, which are not profiled again
    details = [(on, value) for on, value in found if value.column != "repaid"]
    assert {on for on, _ in details} == {day(2), day(3)}
    assert {value.drift.method for _, value in details} == {"jensenshannon"}
    assert {value.column: value for on, value in details if on == LAST} == drift_of(
        run, Partition.of_day("loans", LAST)
    )


def test_labels_verdicts_and_alerts_stay(run, folder):
    ensure_reference(run)
    before = stored_rows(folder)
    labels = [row for row in before["mlmon_metrics"] if "labels" in row]

    carry(run)

    after = stored_rows(folder)
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed == {"mlmon_partitions", "mlmon_metrics", "mlmon_compared_with"}
    assert [row for row in after["mlmon_metrics"] if "labels" in row] == labels
    assert [row for row in after["mlmon_metrics"] if "rows_quarantined" in row] == [
        row for row in before["mlmon_metrics"] if "rows_quarantined" in row
    ]


def test_a_second_time_changes_nothing(run, folder):
    carry(run)
    before = stored_rows(folder)

    assert carry(run) == [Carried.ALREADY] * DAYS
    assert stored_rows(folder) == before


def test_windows_are_whole_again(run):
    ensure_reference(run)
    (window,) = roll_up(run, day(0), day(3), 4)
    assert set(window.skipped.values()) == {"other profile schema: run mlmon reprofile"}

    carry(run)

    (window,) = roll_up(run, day(0), day(3), 4)
    assert (len(window.days), window.rows, window.skipped) == (4, 320, {})


def test_days_that_cannot_be_carried_are_said(run):
    state = run.store.state(Partition.of_day("loans", day(1)))
    Path(run.version_uri(state.partition, state.version, "curated.parquet")).unlink()

    # the new reference begins two days after the old one
    assert carry(run, -12, 4) == [
        *[Carried.OF_REFERENCE] * 2,
        *[Carried.ALREADY] * 10,
        Carried.CARRIED,
        Carried.ROWS_GONE,
        Carried.CARRIED,
        Carried.CARRIED,
        Carried.NO_DAY,
    ]


def test_a_reference_of_monitored_days_keeps_their_rows(run, folder):
    rows = pa.concat_tables([day_table(day(offset)) for offset in range(DAYS)])
    write_file(str(folder / "archive" / "reference" / "part-0.parquet"), to_bytes(rows))
    before = {state.partition.day: state.version for state in run.store.states("loans", FIRST, LAST)}

    assert carry(run) == [Carried.CARRIED] * DAYS

    assert {state.partition.day: state.version for state in run.store.states("loans", FIRST, LAST)} == before


def test_the_command_says_what_became_of_each_day(folder, capsys):
    places = ["--store", f"sqlite:///{folder}/store.db", "--workspace", str(folder / "workspace")]
    call = ["reprofile", str(folder / "loans.yaml"), "--from", str(day(0)), "--to", str(day(4)), *places]

    assert main(call) == 0
    out = capsys.readouterr().out
    assert "2026-03-03: profiled again, 80 rows, profile schema " in out
    assert out.splitlines()[-1] == "4 profiled again; 1 was not run"
    assert (folder / "workspace/reports/loans/2026-03-03/report.html").exists()

    assert main([*call, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {entry["state"] for entry in found} == {"has this profile schema already", "was not run"}
