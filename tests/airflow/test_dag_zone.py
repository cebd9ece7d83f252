"""The schedule of a model whose days are those of a time zone: one run a day, of exactly that day."""

from __future__ import annotations

from datetime import date, time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pendulum
import pytest
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import DagRunInfo, TimeRestriction

from airflow_mlmon.dag_factory import build_dag
from airflow_mlmon.hooks.dag_run import find_partition
from airflow_mlmon.partition import Partition, days_between, start_of
from tests.support.archive import Archive
from tests.support.runs import write_file


def runs_of(spec: Path, first: date, days: int) -> list[DagRunInfo]:
    """The first runs that Airflow schedules of the DAG of a spec."""
    dag = build_dag(spec)
    timetable = coerce_to_core_timetable(dag.timetable)
    assert dag.start_date is not None
    restriction = TimeRestriction(pendulum.instance(dag.start_date), None, catchup=True)
    found: list[DagRunInfo] = []
    for _ in range(days):
        last = found[-1].data_interval if found else None
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        assert info is not None
        found.append(info)
    return found


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        pytest.param("UTC", date(2026, 3, 27), id="UTC"),
        pytest.param("Europe/Berlin", date(2026, 3, 27), id="spring"),
        pytest.param("Europe/Berlin", date(2026, 10, 23), id="autumn"),
        pytest.param("America/New_York", date(2026, 10, 30), id="west"),
        pytest.param("Asia/Kolkata", date(2026, 3, 27), id="half hours"),
    ],
)
def test_each_scheduled_run_is_one_day_of_the_zone(tmp_path: Path, zone: str, first: date):
    spec = tmp_path / "loans.yaml"
    text = Archive(str(tmp_path), write_file).spec_text(("start: 2026-03-01", f"start: {first}\nday_zone: {zone}"))
    spec.write_text(text)

    runs = runs_of(spec, first, 5)

    days = list(days_between("loans", first, date.fromordinal(first.toordinal() + 4), zone))
    assert [(run.data_interval.start, run.data_interval.end) for run in runs] == [(day.start, day.end) for day in days]
    assert [run.run_after for run in runs] == [day.end for day in days]
    assert [partition_of(run, zone) for run in runs] == days
    assert all(one.data_interval.end == two.data_interval.start for one, two in pairwise(runs))
    assert build_dag(spec).start_date == start_of(first, zone)


def test_a_run_later_in_the_day_is_still_one_of_the_day_before(tmp_path: Path):
    spec = tmp_path / "loans.yaml"
    text = ("start: 2026-03-01", "start: 2026-03-27\nday_zone: Europe/Berlin\ndag: {schedule: 30 5 * * *}")
    spec.write_text(Archive(str(tmp_path), write_file).spec_text(text))

    runs = runs_of(spec, date(2026, 3, 27), 4)

    days = list(days_between("loans", date(2026, 3, 27), date(2026, 3, 30), "Europe/Berlin"))
    assert [partition_of(run, "Europe/Berlin") for run in runs] == days
    assert {run.run_after.in_timezone("Europe/Berlin").time() for run in runs} == {time(5, 30)}


def partition_of(run: DagRunInfo, zone: str) -> Partition:
    """The partition that the steps of a scheduled run process."""
    interval = run.data_interval
    dag_run = SimpleNamespace(conf={}, data_interval_start=interval.start, data_interval_end=interval.end)
    return find_partition("loans", {"dag_run": dag_run}, zone=zone)
