"""A run by hand of a day that cannot be meant: every task refuses it, and nothing of the day is written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.operators.base import PartitionOperator
from airflow_mlmon.operators.day import RunPartitionOperator
from airflow_mlmon.operators.steps import PreparePartitionOperator, SendAlertsOperator, WriteReportOperator
from airflow_mlmon.sensors.partition import PartitionSensor
from tests.support.archive import Archive
from tests.support.runs import opened, write_file

FUTURE = "2999-03-07"


def by_hand(**conf: Any) -> Any:
    dag_run = SimpleNamespace(
        conf={"partition": FUTURE, **conf},
        run_type="manual",
        logical_date=None,
        partition_key=None,
        data_interval_start=None,
        data_interval_end=None,
    )
    return {"dag_run": dag_run, "params": {}, "ti": SimpleNamespace(try_number=3, max_tries=2)}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", str(tmp_path / "workspace"))
    archive = Archive(str(tmp_path / "archive"), write_file)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    return archive


@pytest.mark.parametrize(
    "kind", [RunPartitionOperator, PreparePartitionOperator, WriteReportOperator, SendAlertsOperator, PartitionSensor]
)
def test_task_refuses_it_and_leaves_nothing(archive: Archive, tmp_path: Path, kind: type[PartitionOperator]):
    task = kind(task_id="task", spec_path=str(tmp_path / "loans.yaml"))

    with pytest.raises(AirflowFailException, match=f"loans {FUTURE} is refused: the day is not over before 2999-03-08"):
        task.execute(by_hand())

    with opened(tmp_path, archive) as run:
        assert run.store.models() == []
    assert not (tmp_path / "workspace").exists()


def test_task_processes_it_when_it_is_forced(archive: Archive, tmp_path: Path):
    task = WriteReportOperator(task_id="task", spec_path=str(tmp_path / "loans.yaml"))
    written = task.execute(by_hand(force=True) | {"ti": SimpleNamespace(xcom_pull=lambda **_: None, map_index=-1)})
    assert FUTURE in written["uri"]
