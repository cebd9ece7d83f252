"""Rows that lie in the folder of a neighbouring day come to their own day, once, whenever it is run."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.operators.steps import PreparePartitionOperator
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import PartitionState, Status
from tests.support.base_day import FIRST, BaseArchive, day_table, run_day

LATE = ("  columns:\n", "  lateness_days: 1\n  columns:\n")
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
BEFORE, AFTER = 3, 2
ROWS = 100


def with_seams(day: date) -> pa.Table:
    """A folder's rows: a few of the day before and of the day after among those of its own day."""
    own = day_table(day, ROWS)
    start = datetime.combine(day, time(), UTC)
    moments = [start - timedelta(seconds=2)] * BEFORE + [start + timedelta(days=1, seconds=1)] * AFTER
    others = day_table(day, len(moments)).set_column(1, "at", pa.array(moments, pa.timestamp("us", "UTC")))
    others = others.set_column(0, "id", [[f"{day}-seam-{n}" for n in range(len(moments))]])
    return pa.concat_tables([own, others])


def archive_of(folder: Path, days: Iterable[date], *replacements: tuple[str, str]) -> BaseArchive:
    archive = BaseArchive(folder, *replacements)
    for day in days:
        archive.write_day(day, with_seams(day))
    return archive


def manifest_of(run: Run, day: date) -> dict[str, Any]:
    partition = run.partition(day)
    state = run.store.state(partition)
    assert state is not None
    content: dict[str, Any] = json.loads(run.files.read(run.version_uri(partition, str(state.version), MANIFEST)))
    return content


def ids_of(run: Run, days: Sequence[date]) -> Counter[str]:
    """How often each id was curated."""
    found: Counter[str] = Counter()
    for state in run.store.states("m", days[0], days[-1]):
        found.update(read_curated(run, state.partition, str(state.version), ["id"]).column(0).to_pylist())
    return found


def states_of(run: Run) -> list[PartitionState]:
    return run.store.states("m", DAYS[0], DAYS[-1])


def test_a_row_is_curated_on_its_own_day_alone(tmp_path: Path):
    """pinterest/secor #305: a few events of the next day in each day's file."""
    archive = archive_of(tmp_path, DAYS, LATE)
    with archive.opened() as run:
        states = [run_day(run, day) for day in DAYS]
        manifests = [manifest_of(run, day) for day in DAYS]
        ids = ids_of(run, DAYS)
        # the first day's are there for whoever runs the day before it, which is before `start`
        earlier = run_day(run, DAYS[0] - timedelta(days=1))

    assert earlier.rows_accepted == BEFORE
    # the last rows of the first folder's day before, and the first ones of the day after the last, are of other days
    own = [ROWS + (day != DAYS[-1]) * BEFORE + (day != DAYS[0]) * AFTER for day in DAYS]
    assert [(state.status, state.message, state.rows_accepted) for state in states] == [
        (Status.OK, "", rows) for rows in own
    ]
    assert set(ids.values()) == {1}
    assert len(ids) == sum(own)
    for day, manifest in zip(DAYS, manifests, strict=True):
        around = {str(day - timedelta(days=1)): BEFORE, str(day + timedelta(days=1)): AFTER}
        assert manifest["rows_handed_over"] == around
        assert manifest["rows_read"] == manifest["rows_accepted"] + sum(around.values())


def test_a_day_is_redone_once_when_rows_of_it_come_in_the_folder_of_the_next(tmp_path: Path):
    archive = archive_of(tmp_path, [], LATE)
    redone: list[str] = []
    days, first = [], DAYS[:3]
    with archive.opened(progress=redone.append) as run:
        for day in first:
            archive.write_day(day, with_seams(day))
            days.append([found.day for found in run_partition(run, run.partition(day)).days])
        versions = [state.version for state in states_of(run)]
        ids = ids_of(run, first)
        again = [[found.day for found in run_partition(run, run.partition(day)).days] for day in first]
        unchanged = [state.version for state in states_of(run)]

    assert days == [[DAYS[0]], *([day, day - timedelta(days=1)] for day in first[1:])]
    assert sum(step.startswith("redoing") for step in redone) == len(first) - 1
    assert again == [[day] for day in first]
    assert unchanged == versions
    assert (set(ids.values()), len(ids)) == ({1}, len(first) * ROWS + (len(first) - 1) * (BEFORE + AFTER))


def test_days_run_in_any_order_end_the_same(tmp_path: Path):
    ended = []
    for number, order in enumerate((DAYS, [DAYS[place] for place in (3, 0, 4, 2, 1)])):
        folder = tmp_path / str(number)
        archive = archive_of(folder, DAYS, LATE)
        with archive.opened() as run:
            for day in order:
                run_day(run, day)
            ended.append([replace(state, version=None) for state in states_of(run)])
            ids = ids_of(run, DAYS)

    assert ended[0] == ended[1]
    assert set(ids.values()) == {1}


def test_without_the_key_the_message_of_the_day_names_it(tmp_path: Path):
    archive = archive_of(tmp_path, DAYS[:1])
    with archive.opened() as run:
        state = run_day(run, DAYS[0])

    assert state.status is Status.PARTIAL
    assert state.message == (
        "5 rows: at is outside the day; set predictions.lateness_days if they belong to neighbouring days: "
        "each row is then handed over to its day"
    )


def test_check_says_which_rows_are_of_other_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spec = tmp_path / "m.yaml"
    for replacements in ((), (LATE,)):
        spec.write_text(archive_of(tmp_path, DAYS[:1], *replacements).spec_text)
        main(["check", "--data", str(spec)])
    told = capsys.readouterr().out

    assert told.count("set predictions.lateness_days if they belong to neighbouring days") == 1
    assert told.count("  3 handed over to 2026-02-28\n  2 handed over to 2026-03-02\n") == 1


def test_a_row_later_than_that_is_quarantined_with_the_reason(tmp_path: Path):
    archive = archive_of(tmp_path, DAYS[:1], LATE)
    early = datetime.combine(FIRST, time(12), UTC)
    table = day_table(DAYS[2], 4).set_column(1, "at", [[early] * 2 + [early + timedelta(days=2)] * 2])
    archive.write_day(DAYS[2], table.cast(day_table(DAYS[2]).schema))
    with archive.opened() as run:
        run_day(run, DAYS[2])
        state = run.store.state(run.partition(DAYS[2]))

    assert state is not None
    assert (state.status, state.rows_accepted, state.rows_quarantined) == (Status.PARTIAL, 2, 2)
    assert state.message == "2 rows: later than lateness_days"


@pytest.mark.parametrize("offset", [pytest.param(-1, id="east"), pytest.param(5, id="west")])
def test_folders_of_local_days_hold_days_of_utc(tmp_path: Path, offset: int):
    """confluentinc/kafka-connect-storage-cloud #529: folders by another zone than the times."""
    archive = BaseArchive(tmp_path, LATE)
    for day in DAYS:
        times = pa.array([moment + timedelta(hours=offset) for moment in day_table(day).column("at").to_pylist()])
        archive.write_day(day, day_table(day).set_column(1, "at", times.cast(pa.timestamp("us", "UTC"))))
    with archive.opened() as run:
        states = [run_day(run, day) for day in DAYS]
        ids = ids_of(run, DAYS)

    moved = sum(not 0 <= 400 * n + offset * 3600 < 86_400 for n in range(200))
    # what is not in the folders of the five days is missing at one end
    expected = [200 - moved, *[200] * 4]
    assert [state.status for state in states] == [Status.OK] * 5
    assert [state.rows_accepted for state in states] == (expected[::-1] if offset < 0 else expected)
    assert set(ids.values()) == {1}


def test_a_file_that_several_days_list_gives_each_its_rows(tmp_path: Path):
    """Folders of UTC days, where the days are those of a zone; no key is needed for rows that another day lists."""
    zoned = ("start: 2026-03-01\n", "start: 2026-03-01\nday_zone: Asia/Kolkata\n")
    archive = BaseArchive(tmp_path, zoned, ("  columns:\n", "  path_zone: UTC\n  columns:\n"))
    folders = [DAYS[0] - timedelta(days=1), *DAYS]
    for day in folders:
        archive.write_day(day)
    with archive.opened() as run:
        states = [run_day(run, day) for day in DAYS]
        ids = ids_of(run, DAYS)
        handed = manifest_of(run, DAYS[1])["rows_handed_over"]

    times = pa.concat_tables(map(day_table, folders)).column("at").to_pylist()
    expected = [sum(state.partition.start <= moment < state.partition.end for moment in times) for state in states]
    assert [(state.status, state.rows_accepted) for state in states] == [(Status.OK, rows) for rows in expected]
    assert (set(ids.values()), len(ids)) == ({1}, sum(expected))
    assert set(handed) == {str(DAYS[0]), str(DAYS[2])}


def test_files_whose_path_tells_no_day_give_each_day_its_rows(tmp_path: Path):
    by_event = "  dates: event\n  written_within_hours: 30\n  columns:\n"
    archive = BaseArchive(tmp_path, ("/preds/dt={date}/", "/preds/"), ("  columns:\n", by_event))
    for day in DAYS:
        path = archive.write(f"preds/{day}.parquet", with_seams(day))
        written = datetime.combine(day + timedelta(days=1), time(2), UTC).timestamp()
        os.utime(path, (written, written))
    with archive.opened() as run:
        states = [run_day(run, day) for day in DAYS]
        ids = ids_of(run, DAYS)

    own = [ROWS + (day != DAYS[-1]) * BEFORE + (day != DAYS[0]) * AFTER for day in DAYS]
    assert [(state.status, state.rows_accepted) for state in states] == [(Status.OK, rows) for rows in own]
    assert (set(ids.values()), len(ids)) == ({1}, sum(own))


def test_the_first_step_in_airflow_redoes_the_day_before_its_own_goes_on(tmp_path: Path):
    archive = archive_of(tmp_path, DAYS[:1], LATE)
    step = PreparePartitionOperator(task_id="prepare_partition", spec_path="m.yaml")
    with archive.opened() as run:
        before = run_day(run, DAYS[0])
        archive.write_day(DAYS[1], with_seams(DAYS[1]))
        summary = json.loads(json.dumps(step.run_step(run, run.partition(DAYS[1]), {})))
        after = run.store.state(before.partition)
        again = step.run_step(run, run.partition(DAYS[1]), {})

    assert (before.rows_accepted, after and after.rows_accepted) == (ROWS, ROWS + BEFORE)
    assert Prepared.from_dict(summary).redone == (str(DAYS[0]),)
    assert again["redone"] == ()
    assert again["version"] == summary["version"]
