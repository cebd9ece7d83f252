from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.partition import start_of
from airflow_mlmon.sensors.partition import PartitionSensor
from tests.support.archive import Archive
from tests.support.runs import write_file

TODAY = datetime.now(UTC).date()


def context(conf: dict[str, str]) -> dict[str, object]:
    dag_run = SimpleNamespace(conf=conf, partition_key=None, data_interval_start=None, data_interval_end=None)
    return {"dag_run": dag_run, "params": {}}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(str(tmp_path), write_file)
    (tmp_path / "loans.yaml").write_text(archive.spec_text())
    return archive


def sensor(archive: Archive) -> PartitionSensor:
    return PartitionSensor(task_id="wait", spec_path=f"{archive.root}/loans.yaml")


def test_sensor_waits_for_the_marker_of_a_day_that_is_not_over(archive):
    day = context({"partition": str(TODAY)})
    before = sensor(archive).poke(day)
    archive.write(archive.predictions_uri(TODAY, "_SUCCESS"), b"")

    assert (before, sensor(archive).poke(day)) == (False, True)


def test_sensor_does_not_wait_for_a_day_long_past(archive):
    assert sensor(archive).poke(context({"partition": str(TODAY - timedelta(days=3))}))


def test_sensor_fails_in_words_when_the_run_names_no_day(archive):
    with pytest.raises(AirflowFailException, match="names no day"):
        sensor(archive).poke(context({}))


@pytest.mark.parametrize(("zone", "wait", "is_over"), [("Etc/GMT+12", -6, False), ("Etc/GMT-14", 6, True)])
def test_sensor_counts_from_the_end_of_the_day_in_its_zone(tmp_path, zone, wait, is_over):
    archive = Archive(str(tmp_path), write_file)
    day = TODAY - timedelta(days=3)
    hours = (datetime.now(UTC) - start_of(day + timedelta(days=1), "UTC")) / timedelta(hours=1)
    # in UTC the wait is over where it is not in the zone, and the reverse
    text = archive.spec_text(
        ("start: 2026-03-01", f"start: 2026-03-01\nday_zone: {zone}"),
        ("  ready: _SUCCESS", f"  ready: _SUCCESS\n  wait_hours: {hours + wait}"),
    )
    (tmp_path / "loans.yaml").write_text(text)

    assert sensor(archive).poke(context({"partition": str(day)})) is is_over
