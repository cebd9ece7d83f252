"""Models of every kind: Druid serves their rows, and counts them as the curated rows are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import DruidAccess, Run
from airflow_mlmon.pipeline.slices.druid import DruidRows
from airflow_mlmon.pipeline.slices.slices import slice_window
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.druid.operator import ingested
from tests.support.kinds import FIRST, OUTPUTS, write_kind
from tests.support.nightly_model import evaluate_day

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]
DAYS = [FIRST, FIRST + timedelta(days=1)]
ROWS = 900
_COLUMNS = "SELECT COLUMN_NAME AS c FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ?"


@pytest.mark.parametrize("task", sorted(OUTPUTS))
def test_slices_of_each_kind_are_those_of_the_curated_rows(client, tmp_path, task):
    spec = write_kind(tmp_path, task, f"kind_{task}", days=len(DAYS), rows=ROWS)
    access = DruidAccess(connect=lambda: client, today=FIRST)
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(spec=spec, store=store, storage=Storage(), workspace=str(tmp_path / "workspace"), druid=access)
        for day in DAYS:
            evaluate_day(run, Partition.of_day(spec.model, day))
        ingested(run, client, *DAYS)

        there = slice_window(run, ["channel"], DAYS[0], DAYS[-1], rows=DruidRows(run, client))
        here = slice_window(run, ["channel"], DAYS[0], DAYS[-1])

    numbers = [replace(window, rows_read=0, rows_counted=0) for window in (there, here)]
    assert numbers[0] == numbers[1]
    assert {found.name for found in there.slices} >= {"channel=web", "channel=branch"}
    assert any(found.against_rest and found.against_rest.p_value is not None for found in there.slices)
    held = {row["c"] for row in client.sql(_COLUMNS, [f"{spec.model}_predictions"])}
    assert held >= {"amount", "truth"}
    [metrics] = client.sql(f'SELECT COUNT(DISTINCT metric) AS n FROM "kind_{task}_metrics"')  # noqa: S608 - own names
    assert metrics["n"] > 15
