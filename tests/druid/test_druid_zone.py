"""Segments that are the days of a time zone, over both changes of its clocks."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.druid.ingestion import format_druid_interval
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.load import DruidIngest
from tests.support.base_day import BaseArchive, day_table
from tests.support.druid.bucket import QUICK, load_rows, rows_of, served
from tests.support.nightly_model import evaluate_day

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

BERLIN = "Europe/Berlin"


def intervals(client, name):
    """Intervals of the segments that are served."""
    found = client.sql(
        'SELECT DISTINCT "start", "end" FROM sys.segments '
        "WHERE datasource = ? AND is_active = 1 AND is_overshadowed = 0 ORDER BY 1",
        [name],
    )
    return [f"{row['start']}/{row['end']}" for row in found]


@pytest.mark.parametrize(
    ("change", "hours"),
    [pytest.param(date(2026, 3, 29), 23, id="spring"), pytest.param(date(2026, 10, 25), 25, id="autumn")],
)
def test_a_local_day_is_replaced_and_its_neighbours_stay(client, bucket, change, hours):
    name = f"zone_{hours}"
    today = Partition.of_day("m", change, BERLIN)
    before, after = today.shift(-1), today.shift(1)
    for day, rows in ((before, 10), (today, 30), (after, 20)):
        load_rows(client, bucket, name, rows_of(day, rows), partition=day)
    first = [served(client, name, day) for day in (before, today, after)]

    load_rows(client, bucket, name, rows_of(today, 12, score=0.25), partition=today, version="v2")

    assert today.hours == hours
    assert first == [(10, 5.0), (30, 15.0), (20, 10.0)]
    assert [served(client, name, day) for day in (before, today, after)] == [(10, 5.0), (12, 3.0), (20, 10.0)]
    assert intervals(client, name) == [format_druid_interval(day) for day in (before, today, after)]


def test_a_model_of_local_days_is_in_druid_day_by_day(client, tmp_path: Path):
    today = Partition.of_day("of_berlin", date(2026, 3, 29), BERLIN)
    archive = BaseArchive(
        tmp_path, ("model: m\n", "model: of_berlin\n"), ("start: 2026-03-01", f"start: {today.day}\nday_zone: {BERLIN}")
    )
    for day in (today, today.shift(1)):
        times = [day.start + timedelta(minutes=6 * n) for n in range(day.hours * 10)]
        table = day_table(day.day, len(times)).set_column(1, "at", pa.array(times, pa.timestamp("us", "UTC")))
        archive.write_day(day.day, table)
    with archive.opened() as run:
        for day in (today, today.shift(1)):
            evaluate_day(run, day)
        ingest = DruidIngest(run, client, [today, today.shift(1)], today=today.day, patience=QUICK)
        state = ingest.begin()
        while state.open:
            state = ingest.wait(state)

    rows = client.sql(
        'SELECT COUNT(*) AS n FROM "of_berlin_predictions" '
        "GROUP BY TIME_FLOOR(__time, 'P1D', NULL, 'Europe/Berlin') ORDER BY MIN(__time)"
    )
    assert [row["n"] for row in rows] == [230, 240]
    for kind in ("predictions", "metrics", "profiles"):
        assert intervals(client, f"of_berlin_{kind}") == [format_druid_interval(day) for day in (today, today.shift(1))]
