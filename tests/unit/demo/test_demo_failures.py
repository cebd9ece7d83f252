from __future__ import annotations

import json
from datetime import date

import pytest

from include.demo.airflow_api import DayTask
from include.demo.failures import describe_failures, last_error

RAISED = {"level": "error", "event": "Task failed", "error_detail": [{"exc_type": "DataError", "exc_value": "no id"}]}
SAID = {"level": "error", "event": "the disk is full"}
OTHER = {"level": "info", "event": "done"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([SAID, RAISED, OTHER], "DataError: no id", id="exception"),
        pytest.param([RAISED, SAID, OTHER], "the disk is full", id="message"),
        pytest.param([OTHER], "the log contains no error", id="none"),
    ],
)
def test_last_error_of_a_log_is_found(entries, expected):
    log = "\n".join(["not JSON", *map(json.dumps, entries)])

    assert last_error(log) == expected


def test_failed_task_is_told_with_day_error_and_log(tmp_path):
    failed = DayTask(day=date(2013, 3, 8), task="prepare", run="backfill__9", state="failed", attempt=2)
    fine = DayTask(day=date(2013, 3, 7), task="prepare", run="backfill__8", state="success", attempt=1)
    log = tmp_path / "dag_id=flights" / "run_id=backfill__9" / "task_id=prepare" / "attempt=2.log"
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps(RAISED))

    texts = describe_failures([failed, fine], tmp_path)

    assert texts == [f"failed: 2013-03-08, prepare: DataError: no id\n  log: {log}"]
