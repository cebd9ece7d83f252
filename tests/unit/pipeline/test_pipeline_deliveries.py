"""Labels of a table that grows for years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from airflow_mlmon.archive.curation.manifest import Manifest
from airflow_mlmon.pipeline.steps import deliveries
from airflow_mlmon.pipeline.workspace.partition_files import delivery_uri, read_workspace_table
from tests.support.archive import FIRST, partition
from tests.support.runs import local_archive, opened

NOON = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC)


def test_a_day_of_a_table_with_more_than_2_gib_of_texts_has_its_last_labels(tmp_path, monkeypatch):
    archive = local_archive(tmp_path, 1)
    growing = (f"{archive.root}/labels/dt={{date}}/", f"{archive.root}/labels/\n  watermark: filed")
    # texts that lie in memory once
    before, own = [pa.array(["x" * (1 << 26)])] * 33, pa.array(["b", "a", "b"])
    filed = [NOON - timedelta(days=1)] * 33 + [NOON + timedelta(hours=hour) for hour in (2, 1, 3)]
    rows = pa.table(
        {
            "id": pa.chunked_array([*before, own]),
            "repaid": [True] * 35 + [False],
            "outcome": ["known"] * 36,
            "filed": pa.array(filed, pa.timestamp("us", "UTC")),
        }
    )
    manifest = Manifest(partition=partition(0), files=(), rows_accepted=rows.num_rows)
    monkeypatch.setattr(deliveries, "_read", lambda *_: (rows, manifest))

    with opened(tmp_path, archive, growing) as run:
        taken = deliveries.take_delivery(run, partition(0))
        [delivery] = run.store.deliveries("loans", FIRST, FIRST)
        found = read_workspace_table(run, delivery_uri(run, partition(0), delivery.version))

    assert (taken.rows, rows.nbytes > 1 << 31) == (2, True)
    assert found.select(["id", "label"]).to_pydict() == {"id": ["a", "b"], "label": [True, False]}
