from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console

from include.demo.airflow_api import DayTask
from include.demo.progress import DayProgress, count_days, describe


def task(day, name, state) -> DayTask:
    return DayTask(day=date(2013, 3, day), task=name, run=f"backfill__{day + 1}", state=state, attempt=1)


DONE = [task(1, "prepare", "success"), task(1, "druid", "skipped"), task(1, "report", "upstream_failed")]
OPEN = [task(2, "prepare", "running"), task(2, "report", None), task(3, "prepare", None)]


def test_oldest_open_day_is_named_with_its_running_tasks():
    assert describe([*reversed(OPEN), *DONE]) == "2013-03-02  prepare"


def test_task_that_waits_for_another_try_is_named():
    assert describe([task(2, "prepare", "up_for_retry")]) == "2013-03-02  prepare will be retried"


@pytest.mark.parametrize(
    ("tasks", "counts"),
    [
        pytest.param([], (0, 0), id="nothing-yet"),
        pytest.param(DONE, (1, 1), id="all-ended"),
        pytest.param(DONE + OPEN, (3, 1), id="some-open"),
    ],
)
def test_days_end_with_their_last_task(tasks, counts):
    assert count_days(tasks) == counts


def test_each_ended_day_gets_a_line_where_there_is_no_terminal():
    out = io.StringIO()
    with DayProgress(Console(file=out, width=80)) as progress:
        progress.show(OPEN)
        progress.show(DONE + OPEN)
        progress.show(DONE + OPEN)

    assert [line.strip() for line in out.getvalue().splitlines()] == ["0 s  1 of 3 days, 3 of 6 tasks"]
