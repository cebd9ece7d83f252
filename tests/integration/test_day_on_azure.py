"""A day on a real Azure: archive and workspace in a container, by an Airflow connection."""

from __future__ import annotations

import json
import uuid

import pytest

from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage.azure import AzureStore
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened

pytestmark = pytest.mark.service
DAY = Partition.of_day("loans", FIRST)


def test_a_day_runs_on_azure_alone(azurite, tmp_path, monkeypatch):
    extra = {"endpoint": azurite.endpoint}
    keys = {"conn_type": "wasb", "login": azurite.account, "password": azurite.key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_BLOBS", json.dumps(keys))
    root = f"abfs://{azurite.container(f'loans-{uuid.uuid4().hex[:12]}')}"
    archive = Archive(f"{root}/archive", AzureStore(azurite.options()).write)
    archive.write_all(1)

    by_connection = ("predictions:\n", "predictions:\n  connection: blobs\n")
    given = {"storage": open_storage(), "workspace": f"{root}/mlmon", "workspace_connection": "blobs"}
    with opened(tmp_path, archive, by_connection, **given) as run:
        ran = run_partition(run, DAY)

        assert run.store.state(DAY).status is Status.OK
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "rows", None] == 80
        assert b"<script" not in run.files.read(ran.report)
