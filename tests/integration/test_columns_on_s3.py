"""Columns of curated rows on S3: only their bytes are fetched, and labels of a day there cost no others."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.history.late_labels import take_labels
from airflow_mlmon.pipeline.workspace.curated import curated_uri, open_columns
from airflow_mlmon.storage import Storage
from tests.support.base_day import FIRST, LABELS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day

pytestmark = pytest.mark.service
ROWS, GROUP = 50_000, 4_096
DAYS = 2
NAMES = [f"feature_{number:02d}" for number in range(60)]


@pytest.fixture
def given(moto) -> dict[str, Any]:
    client = moto.client()
    workspace = f"s3://{moto.bucket(f'columns-{uuid.uuid4().hex[:12]}')}/mlmon"
    return {"storage": Storage(lambda _: client), "workspace": workspace, "client": client}


def test_other_columns_are_not_fetched(given, tmp_path):
    client, fetched = given.pop("client"), []
    client.meta.events.register(
        "after-call.s3.GetObject", lambda parsed, **_: fetched.append(parsed.get("ContentLength", 0))
    )
    random = np.random.default_rng(1)
    rows = pa.table({"id": [f"id-{row}" for row in range(ROWS)], "score": random.random(ROWS)})
    rows = rows.append_column("text", pa.array([random.bytes(40).hex() for _ in range(ROWS)]))
    rows = rows.append_column("a.b", pa.array(range(ROWS)))
    pq.write_table(rows, tmp_path / "rows.parquet", row_group_size=GROUP)
    with BaseArchive(tmp_path).opened(**given) as run:
        day = run.partition(FIRST)
        run.files.upload(curated_uri(run, day, "v"), tmp_path / "rows.parquet")
        with open_columns(run, day, "v") as opened:
            assert opened.rows == ROWS
            found = pa.concat_tables(opened.batches(["id", "a.b"], ["score", "absent"], size=10_000))
            at_once = opened.table(["id", "a.b"], ["score", "absent"])
            assert opened.table([], ["absent"]).num_rows == ROWS
            taken = opened.take(np.array([1, GROUP - 1, GROUP, ROWS - 1]), ["a.b"])
        with pytest.raises(NotFoundError, match="not in the workspace any more"), open_columns(run, day, "w"):
            pass

    assert found.equals(rows.select(["id", "a.b", "score"]))
    assert at_once.equals(found)
    assert taken.column("a.b").to_pylist() == [1, GROUP - 1, GROUP, ROWS - 1]
    size = (tmp_path / "rows.parquet").stat().st_size
    assert 0 < sum(fetched) < size / 2 < size


def test_labels_of_a_day_on_s3_are_those_of_a_folder(given, tmp_path):
    del given["client"]
    archive = BaseArchive(tmp_path, labels=LABELS)
    archive.write_day(FIRST)
    archive.write_day(FIRST + timedelta(days=1))
    archive.write_labels(day_of(1), labels_of(day_table(FIRST)).slice(0, 170))

    with archive.opened(**given) as run:
        for offset in range(2):
            run_day(run, day_of(offset))

        assert metric_of(run, FIRST, "accuracy") == 1
        assert metric_of(run, FIRST, "label_coverage") == 0.85


def widened(table: pa.Table) -> pa.Table:
    """The rows with features, which are most of their bytes, and with their times within the day."""
    random = np.random.default_rng(table.num_rows)
    table = table.set_column(1, "at", table.column("at").take(pa.array([0] * table.num_rows)))
    for name in NAMES:
        table = table.append_column(name, pa.array(random.random(table.num_rows)))
    return table


def test_a_late_delivery_reads_no_features_of_the_days_that_it_has_labels_for(given, tmp_path):
    client, fetched = given.pop("client"), []
    wide = "".join(f"    {name}: {{{{type: float}}}}\n" for name in NAMES)
    archive = BaseArchive(tmp_path, ("    country:", f"{wide}    country:"), labels=LABELS)
    archive.write("reference/part-0.parquet", widened(day_table(FIRST - timedelta(days=1))))
    days = [day_of(offset) for offset in range(DAYS)]
    tables = [day_table(day, ROWS // 10) for day in days]
    for day, table in zip(days, tables, strict=True):
        archive.write_day(day, widened(table))
    archive.write_labels(day_of(DAYS), pa.concat_tables(map(labels_of, tables)))

    with archive.opened(**given) as run:
        versions = [str(run_day(run, day).version) for day in days]
        client.meta.events.register(
            "after-call.s3.GetObject", lambda parsed, **_: fetched.append(parsed.get("ContentLength", 0))
        )
        taken = take_labels(run, day_of(DAYS), day_of(DAYS))
        coverages = [metric_of(run, day, "label_coverage") for day in days]
        uris = [curated_uri(run, run.partition(day), version) for day, version in zip(days, versions, strict=True)]
        size = sum(item.size for uri in uris for item in run.files.list(uri))

    assert (taken.days, coverages) == (tuple(map(str, days)), [1] * DAYS)
    assert 0 < sum(fetched) < size / 3
