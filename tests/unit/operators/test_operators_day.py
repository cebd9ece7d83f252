"""A whole day in one task: its waiting and its failures without Airflow's processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_mlmon.errors import ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.operators.day import RunPartitionOperator
from airflow_mlmon.records import Status
from tests.support.archive import FIRST, Archive, partition
from tests.support.runs import opened, write_file

TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", str(tmp_path / "workspace"))


def context(day: str, **given: Any) -> Any:
    dag_run = SimpleNamespace(
        conf={"partition": day}, partition_key=None, data_interval_start=None, data_interval_end=None
    )
    return {"dag_run": dag_run, "params": {}, **given}


def operator(folder: Path, text: str) -> RunPartitionOperator:
    (folder / "loans.yaml").write_text(text)
    return RunPartitionOperator(task_id="run", spec_path=str(folder / "loans.yaml"), deferrable=False)


def test_a_day_that_is_not_complete_is_looked_at_again_later_and_not_in_the_worker(tmp_path: Path):
    archive = Archive(str(tmp_path), write_file)
    before = datetime.now(UTC)

    with pytest.raises(AirflowRescheduleException) as caught:
        operator(tmp_path, archive.spec_text()).execute(context(str(TODAY)))

    asked = caught.value.reschedule_date - timedelta(minutes=5)
    assert before <= asked <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("tries", "error", "recorded"),
    [
        pytest.param(1, ServiceUnavailableError("no answer"), [], id="to-be-tried-again"),
        pytest.param(3, ServiceUnavailableError("no answer"), ["no answer"], id="last-try"),
        pytest.param(1, ServiceRejectedError("refused"), ["refused"], id="no-use"),
        pytest.param(3, KeyError("secret"), ["run: KeyError; see the log of the task"], id="unforeseen"),
    ],
)
def test_a_failure_is_recorded_unless_the_task_is_tried_again(
    tmp_path: Path, tries: int, error: Exception, recorded: list[str]
):
    archive = Archive(str(tmp_path), write_file)
    task = operator(tmp_path, archive.spec_text())
    tried = context(str(FIRST), ti=SimpleNamespace(try_number=tries, max_tries=2))

    with opened(tmp_path, archive) as run:
        is_final = task.record_final(run, partition(0), tried, error)
        states = run.store.states("loans", FIRST, FIRST)

    assert is_final == bool(recorded)
    assert [(state.status, state.message) for state in states] == [(Status.FAILED, message) for message in recorded]
