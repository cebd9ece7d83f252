"""The thread behind the queue outlives whatever goes wrong in it, and counts what that costs."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import pytest

from airflow_mlmon.capture.marks import Marks
from airflow_mlmon.capture.queue import CaptureLimits
from airflow_mlmon.capture.rows import CapturedPart, CapturedRows
from airflow_mlmon.capture.schema import CaptureError
from airflow_mlmon.capture.writer import Writer
from tests.support.captured import log_rows, open_capture, read_archive

MARKS = Marks(model="fraud", process="", first=0, last=0, rows=0)


class Value(NamedTuple):
    sequence: int
    value: float


def convert(rows):
    if any(row.value < 0 for row in rows):
        raise ZeroDivisionError("secret 4711")
    table = pa.table({"id": [str(row.sequence) for row in rows]})
    return CapturedRows([CapturedPart("day/", table)], {}, {})


def folder_of(at: datetime) -> str:
    del at
    return "day/"


def open_writer(folder, **limits):
    limits = CaptureLimits(**{"spool": folder / "spool", "flush_seconds": 60} | limits)
    return Writer(convert, str(folder / "archive"), marks=MARKS, folder=folder_of, limits=limits)


def put(writer, values):
    for value in values:
        writer.queue.put(Value(writer.queue.number(), value), 100)


def test_a_row_that_breaks_the_conversion_costs_no_other(tmp_path, caplog):
    writer = open_writer(tmp_path)
    put(writer, [-1.0 if number in (3, 50, 51) else 1.0 for number in range(100)])
    assert writer.flush(10)
    put(writer, [1.0] * 10)
    writer.close()
    found = read_archive(tmp_path / "archive")
    assert len(set(found.ids)) == 107
    assert found.dropped == {"unconvertible": 3}
    # told once, without the text of the error, which may quote a row
    assert [record.getMessage() for record in caplog.records] == [
        "capture of fraud: unconvertible: ZeroDivisionError",
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_rows_beyond_the_queue_are_counted(tmp_path):
    writer = open_writer(tmp_path, queue_rows=10, file_rows=1000)
    with writer.queue.lock:
        put(writer, [1.0] * 25)
    writer.close()
    found = read_archive(tmp_path / "archive")
    assert (len(found.ids), found.dropped) == (10, {"queue_full": 15})
    assert {marks.bound for marks in found.marks} == {10}


def test_bytes_bound_the_queue_too(tmp_path):
    writer = open_writer(tmp_path, queue_bytes=1000)
    with writer.queue.lock:
        put(writer, [1.0] * 25)
    writer.close()
    assert writer.snapshot()["dropped"] == {"queue_full": 15}


def test_without_a_spool_files_go_straight_to_the_destination(tmp_path):
    (tmp_path / "spool").write_text("no folder")
    writer = open_writer(tmp_path)
    put(writer, [1.0] * 10)
    writer.close()
    assert len(read_archive(tmp_path / "archive").ids) == 10


def test_without_spool_and_destination_rows_are_counted(tmp_path):
    (tmp_path / "spool").write_text("no folder")
    (tmp_path / "archive").write_text("no folder")
    writer = open_writer(tmp_path)
    put(writer, [1.0] * 10)
    writer.close()
    assert writer.snapshot()["dropped"] == {"unreachable": 10}


def test_a_destination_that_comes_back_gets_the_files(tmp_path):
    (tmp_path / "archive").write_text("no folder")
    writer = open_writer(tmp_path)
    put(writer, [1.0] * 10)
    assert not writer.flush(0.2)
    assert writer.snapshot()["spooled"] == 10
    (tmp_path / "archive").unlink()
    assert writer.flush(20)
    writer.close()
    assert len(read_archive(tmp_path / "archive").ids) == 10


def test_a_file_that_vanishes_from_the_spool_is_counted(tmp_path):
    (tmp_path / "archive").write_text("no folder")
    writer = open_writer(tmp_path)
    put(writer, [1.0] * 10)
    assert not writer.flush(0.1)
    for path in (tmp_path / "spool").rglob("*.spooled"):
        path.unlink()
    (tmp_path / "archive").unlink()
    put(writer, [1.0] * 7)
    writer.close()
    found = read_archive(tmp_path / "archive")
    assert (len(found.ids), writer.snapshot()["dropped"]) == (7, {"spool_lost": 10})
    assert writer.snapshot()["spooled"] == 0


def test_one_thread_closes_while_others_log(tmp_path):
    capture = open_capture(tmp_path)
    threads = [threading.Thread(target=log_rows, args=(capture, 2000)) for _ in range(4)]
    for thread in threads:
        thread.start()
    capture.close()
    for thread in threads:
        thread.join()
    counters = capture.counters
    assert counters["accepted"] == 8000
    assert counters["published"] == len(read_archive(tmp_path / "archive").ids)
    assert counters["published"] + sum(counters["dropped"].values()) == 8000


def test_a_closed_capture_is_forgotten(tmp_path):
    capture = open_capture(tmp_path)
    log_rows(capture, 1)
    capture.close()
    capture.close()
    gone = weakref.ref(capture)
    del capture
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("limits", [{"queue_rows": 0}, {"flush_seconds": -1}])
def test_limits_that_hold_nothing_are_refused(limits):
    with pytest.raises(CaptureError, match="more than 0"):
        CaptureLimits(**limits)
