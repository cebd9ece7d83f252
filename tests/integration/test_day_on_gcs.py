"""A day on a real server of Google Cloud Storage: archive and workspace in a bucket, by Google's own variables."""

from __future__ import annotations

import uuid

import pytest

from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage.gcs import GcsStore
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened

pytestmark = pytest.mark.service
DAY = Partition.of_day("loans", FIRST)


def test_a_day_runs_on_google_cloud_alone(fake_gcs, tmp_path, monkeypatch):
    root = f"gs://{fake_gcs.bucket(f'loans-{uuid.uuid4().hex[:12]}')}"
    archive = Archive(f"{root}/archive", GcsStore(fake_gcs.options()).write)
    archive.write_all(1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs.endpoint)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mlmon")

    with opened(tmp_path, archive, storage=open_storage(), workspace=f"{root}/mlmon") as run:
        ran = run_partition(run, DAY)

        assert run.store.state(DAY).status is Status.OK
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == 80
        assert b"<script" not in run.files.read(ran.report)
