"""Account of captured rows, by the marks of a day's files and what lies around them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from airflow_mlmon.archive.curation.capture_account import CaptureAccount, CaptureSidecars, account_for_capture
from airflow_mlmon.capture.marks import LostRows, Marks


def marks(first: int, last: int, rows: int | None = None, **given: Any) -> Marks:
    counted = last - first + 1 if rows is None else rows
    return Marks(**{"model": "m", "process": "p", "first": first, "last": last, "rows": counted, "bound": 100} | given)


def account(
    *files: Marks, sidecars: CaptureSidecars | None = None, beside: tuple[str, ...] = (), later: tuple[str, ...] = ()
) -> CaptureAccount:
    found = account_for_capture([asdict(one) for one in files], sidecars or CaptureSidecars(), beside, later)
    assert found is not None
    return found


def test_a_day_without_captured_files_has_no_account():
    assert account_for_capture([], CaptureSidecars(), [], []) is None


@pytest.mark.parametrize(
    ("files", "beside", "missing"),
    [
        ([marks(1, 10), marks(11, 20)], (), 0),
        ([marks(1, 10), marks(16, 20)], (), 5),
        # numbers are given out by several threads, and files come in any order
        ([marks(16, 20), marks(1, 12), marks(10, 15)], (), 0),
        # what is said to be dropped is not missing too
        ([marks(1, 10), marks(16, 20, dropped={"queue_full": 3})], (), 2),
        ([marks(1, 10), marks(16, 20, dropped={"queue_full": 9})], (), 0),
        # rows of a day that were taken with those of another
        ([marks(1, 10, rows=4), marks(11, 20)], (), 0),
        # a file of another day begins in between
        ([marks(1, 10), marks(16, 20)], ("a/dt=2/p-000000000011.parquet",), 0),
        ([marks(1, 10), marks(16, 20)], ("a/dt=2/q-000000000011.parquet",), 5),
        # numbers of each process are its own
        ([marks(1, 10), marks(31, 40, process="q")], (), 0),
    ],
)
def test_rows_whose_number_is_in_no_file_are_missing(files, beside, missing):
    assert account(*files, beside=beside).missing == missing


@pytest.mark.parametrize(
    ("files", "sidecars", "later", "unknown"),
    [
        ([marks(1, 10)], None, (), 100),
        ([marks(1, 10, closing=True)], None, (), 0),
        ([marks(1, 10, closing=True), marks(11, 20)], None, (), 0),
        ([marks(1, 10)], None, ("a/dt=2/p-000000000011.jsonl.gz",), 0),
        ([marks(1, 10)], None, ("a/dt=2/_capture/closed-p.json",), 0),
        ([marks(1, 10)], None, ("a/dt=2/q-000000000011.parquet",), 100),
        ([marks(1, 10)], CaptureSidecars(names=("x",), closed=(marks(0, 0, closing=True),)), (), 0),
        (
            [marks(1, 10)],
            CaptureSidecars(names=("x",), lost=(LostRows(model="m", process="p", accepted=13, published=10, lost=3),)),
            (),
            0,
        ),
        ([marks(1, 10), marks(1, 5, process="q", bound=7)], None, (), 107),
    ],
)
def test_a_process_is_silent_unless_something_is_heard_of_it(files, sidecars, later, unknown):
    found = account(*files, sidecars=sidecars, later=later)

    assert (found.unknown, bool(found.note)) == (unknown, bool(unknown))


def test_losses_are_counted_once_and_named():
    lost = LostRows(model="m", process="q", accepted=9, published=2, lost=4, dropped={"queue_full": 3})
    last_words = marks(0, 0, dropped={"no_space": 1}, refused={"amount is not a number": 2, "odd": 5}, closing=True)
    sidecars = CaptureSidecars(names=("a", "b"), lost=(lost,), closed=(last_words,))

    found = account(marks(1, 10, dropped={"queue_full": 2}), sidecars=sidecars)

    assert (found.files, found.rows, found.processes, found.killed, found.lacking) == (1, 10, 2, 1, 10)
    assert found.losses == {
        "dropped by capture (no_space)": 1,
        "dropped by capture (queue_full)": 5,
        "lost by capture with a process that was killed": 4,
    }
    assert found.refused == {"amount is not a number": 2}
