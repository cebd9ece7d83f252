"""Captured days: what of them is not there is said, and taken in when it comes."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest

from airflow_mlmon.capture.marks import LostRows
from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.records import Status
from airflow_mlmon.reports.page import render_day
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day
from tests.support.marked import files_of, marks_of, prepare_day, write_files


def test_what_capture_dropped_and_lost_is_told(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    # 40 numbers without a row: 30 were dropped, and 10 are nowhere
    write_files(archive, files_of(table.slice(0, 60), marks_of(60)))
    second = marks_of(60, first=101, dropped={"queue_full": 28, "naive_time": 2}, closing=True)
    write_files(archive, files_of(table.slice(60, 60), second))
    write_files(archive, files_of(table.slice(120), marks_of(80, process="aa")))
    lost = LostRows(model="m", process="aa", accepted=85, published=80, lost=5, alive="2026-03-01T20:00:00+00:00")
    write_files(archive, {"_capture/lost-aa.json": lost.to_json()})

    with archive.opened() as run:
        state = run_day(run, FIRST)
        page = render_day(day_page(run, run.partition(FIRST)))

        assert (state.status, state.rows_accepted) == (Status.PARTIAL, ROWS)
        counted = {cause.about: cause.count for cause in state.causes if cause.kind == "rows_not_captured"}
        assert counted == {
            "dropped by capture (queue_full)": 28,
            "dropped by capture (naive_time)": 2,
            "lost by capture with a process that was killed": 5,
            "logged by the service, and in no file so far": 10,
        }
        assert metric_of(run, FIRST, "capture_dropped") == 30
        assert metric_of(run, FIRST, "capture_lost") == 15
        assert metric_of(run, FIRST, "capture_unknown") == 0
        assert metric_of(run, FIRST, "capture_loss_rate") == pytest.approx(45 / 245)
        again = [found.outcome for found in reevaluate(run, FIRST, FIRST)]
        assert (again, metric_of(run, FIRST, "capture_loss_rate")) == ([Outcome.EVALUATED], pytest.approx(45 / 245))
        alerts = [one.title for one in run.store.alerts("m", FIRST, FIRST)]
    assert "rows not captured: dropped by capture (queue_full)" in alerts
    assert re.search(r"rows lacking(</bdi>)?</dt><dd>45\b", page)
    assert re.search(r"dropped by capture \(queue_full\)(</bdi>)?</td><td class=\"number\">28<", page)


def test_files_that_come_later_are_taken_in_by_the_next_run(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    write_files(archive, files_of(table.slice(0, 100), marks_of(100)))
    write_files(archive, files_of(table.slice(150), marks_of(50, first=151)))
    write_files(archive, files_of(day_table(day_of(1)), marks_of(ROWS, first=201, closing=True)), day_of(1))
    write_files(archive, files_of(day_table(day_of(2)), marks_of(ROWS, process="bb", closing=True)), day_of(2))

    with archive.opened() as run:
        first = run_partition(run, run.partition(FIRST))
        before = run.store.state(first.partition)
        # the spool of an hour without the archive, uploaded after the night
        write_files(archive, files_of(table.slice(100, 50), marks_of(50, first=101)))
        second = run_partition(run, run.partition(day_of(1)))
        after = run.store.state(first.partition)
        third = run_partition(run, run.partition(day_of(2)))

    assert (before.status, before.rows_accepted) == (Status.PARTIAL, 150)
    assert before.message == "50 rows: logged by the service, and in no file so far"
    assert (after.status, after.rows_accepted, after.message) == (Status.OK, ROWS, "")
    assert [day.day for day in second.days] == [day_of(1), FIRST]
    assert [day.day for day in third.days] == [day_of(2)]


def test_a_process_of_which_nothing_is_heard_is_told_until_it_is(tmp_path):
    archive = BaseArchive(tmp_path)
    write_files(archive, files_of(day_table(FIRST), marks_of(ROWS)))

    with archive.opened() as run:
        prepared = prepare_day(run)
        went_on = dict(files_of(day_table(day_of(1)), marks_of(ROWS, first=ROWS + 1)))
        write_files(archive, went_on, day_of(1))
        later = prepare_day(run)

    assert (prepared.status, later.status, later.message) == (Status.OK, Status.OK, "")
    assert prepared.message == (
        "capture: 1 process has neither ended in order nor written since: unknown, at most 5,000 rows are lost"
    )


def test_rows_of_a_sample_stand_for_those_that_were_not_captured(tmp_path):
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    write_files(archive, files_of(table.slice(0, 100), marks_of(100, sampled=0.1, closing=True)))
    archive.write_day(FIRST, table.slice(100))

    with archive.opened() as run:
        run_day(run, FIRST)

        assert metric_of(run, FIRST, "rows_before_sampling") == pytest.approx(1_100)
        assert metric_of(run, FIRST, "sampling_fraction") == pytest.approx(200 / 1_100)


def test_values_that_capture_could_not_keep_count_like_those_that_cannot_be_read(tmp_path):
    archive = BaseArchive(tmp_path)
    refused = {"amount is not a number": 4, "unknown_feature": 9}
    write_files(archive, files_of(day_table(FIRST), marks_of(ROWS, refused=refused, closing=True)))

    with archive.opened() as run:
        prepared = prepare_day(run)

    assert prepared.status is Status.PARTIAL
    assert [(cause.kind, cause.about, cause.count) for cause in prepared.causes] == [
        ("values_unreadable", "amount is not a number", 4)
    ]


def test_a_request_is_found_by_its_trace(tmp_path, capsys):
    archive = BaseArchive(tmp_path, ("    country:", "    traceparent: {{type: string, role: trace}}\n    country:"))
    spec = archive.root / "m.yaml"
    spec.write_text(archive.spec_text)
    traces = [f"00-{row + 1:032x}-b7ad6b7169203331-01" for row in range(ROWS)]
    table = day_table(FIRST).append_column("traceparent", pa.array(traces))
    write_files(archive, files_of(table, marks_of(ROWS, closing=True)))
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]
    with archive.opened() as run:
        state = run_day(run, FIRST)

    asked = ["trace", str(spec), traces[4].upper(), "--partition", str(FIRST), *places]
    assert (main([*asked, "--json"]), json.loads(capsys.readouterr().out)["id"]) == (0, f"{FIRST}-00004")
    assert (main(asked), f"id: {FIRST}-00004\n" in capsys.readouterr().out) == (0, True)
    asked[2] = "f" * 32
    assert (main(asked), capsys.readouterr().out) == (1, f"no accepted row of {FIRST} has this trace\n")
    asked[2] = "nothing"
    assert main(asked) == 2
    # the reference has no traces, and is none the worse
    assert (state.status, state.message) == (Status.OK, "")


def test_labels_that_capture_lost_are_told(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    labels = labels_of(table.slice(0, 190))
    write_files(archive, files_of(labels, marks_of(190, dropped={"queue_full": 6}, closing=True)), root="labels")
    lost = LostRows(model="m", process="aa", accepted=4, published=0, lost=4)
    write_files(archive, {"_capture/lost-aa.json": lost.to_json()}, root="labels")

    with archive.opened() as run:
        state = run_day(run, FIRST)

    assert (state.status, state.rows_accepted) == (Status.PARTIAL, ROWS)
    assert sorted((cause.kind, cause.count) for cause in state.causes) == [
        ("labels_not_captured", 4),
        ("labels_not_captured", 6),
    ]
    assert "labels: 6 rows: dropped by capture (queue_full)" in state.message
