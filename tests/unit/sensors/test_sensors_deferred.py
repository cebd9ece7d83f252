"""Waiting for a day in the triggerer."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from airflow_mlmon.sensors.partition import PartitionSensor
from airflow_mlmon.triggers.partition import PartitionTrigger
from tests.support.archive import Archive
from tests.support.runs import write_file

TODAY = datetime.now(UTC).date()
DAY = {
    "dag_run": SimpleNamespace(conf={"partition": str(TODAY)}, partition_key=None, data_interval_start=None),
    "params": {},
}
DAY["dag_run"].data_interval_end = None


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(str(tmp_path), write_file)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    return archive


def sensor(archive: Archive) -> PartitionSensor:
    return PartitionSensor(
        task_id="wait", spec_path=f"{archive.root}/loans.yaml", deferrable=True, poke_interval=0.01, timeout=60
    )


def deferred(archive: Archive) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as found:
        sensor(archive).execute(DAY)
    return found.value


def recreated(trigger: PartitionTrigger, **changes: object) -> PartitionTrigger:
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)(**arguments | changes)


async def first_event(trigger: PartitionTrigger, meanwhile: object = None) -> object:
    if meanwhile:
        asyncio.get_running_loop().call_later(0.1, meanwhile)
    return (await anext(trigger.run())).payload


def test_a_day_that_is_complete_is_not_deferred(archive):
    archive.write(archive.predictions_uri(TODAY, "_SUCCESS"), b"")

    assert sensor(archive).execute(DAY) is None


def test_the_trigger_fires_at_the_marker_without_the_file_of_the_spec(archive, tmp_path):
    waiting = deferred(archive)
    text = (tmp_path / "loans.yaml").read_text()
    (tmp_path / "loans.yaml").unlink()
    marker = archive.predictions_uri(TODAY, "_SUCCESS")

    assert asyncio.run(first_event(recreated(waiting.trigger), lambda: archive.write(marker, b""))) == {}

    (tmp_path / "loans.yaml").write_text(text)
    assert waiting.timeout == timedelta(seconds=60)
    assert getattr(sensor(archive), waiting.method_name)(DAY, {}) is None


def test_the_trigger_fires_at_the_deadline(archive):
    deadline = time.time() + 0.2

    asyncio.run(first_event(recreated(deferred(archive).trigger, deadline=deadline)))

    assert 0 <= time.time() - deadline < 30


def test_a_day_that_is_not_complete_any_more_is_waited_for_again(archive):
    with pytest.raises(TaskDeferred):
        sensor(archive).resume(DAY, {})


def test_a_store_that_refuses_is_left_to_the_sensor_to_report(archive):
    trigger = deferred(archive).trigger
    refused = recreated(trigger, predictions=trigger.predictions | {"path": "s3://b/dt={date}/", "connection": "none"})

    asyncio.run(asyncio.wait_for(first_event(refused), 20))

    text = archive.spec_text((f"{archive.root}/predictions/", "s3://b/"), ("  ready:", "  connection: none\n  ready:"))
    Path(archive.root, "loans.yaml").write_text(text)
    with pytest.raises(AirflowFailException, match="none"):
        sensor(archive).resume(DAY, {})
