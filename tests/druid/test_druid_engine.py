"""A day whose spec says `engine: druid` is profiled there, and evaluated as it is by the local engine."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import DruidAccess
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.profile import Profile
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

ENGINE = ("start:", "druid: {engine: druid}\nstart:")


def partition_of(folder: Path, archive, *replacements, days=2, **given):
    """The profiles and metrics of the days of an archive."""
    with opened(folder, archive, *replacements, **given) as run:
        found = []
        for offset in range(days):
            day = Partition.of_day(run.model, FIRST + timedelta(days=offset))
            version = evaluate_day(run, day)
            uri = profile_uri(run, day, version, ensure_reference(run).schema.id)
            metrics = [(m.metric, m.column, m.segment, m.value, m.rows) for m in run.store.metric_values(day)]
            found.append((Profile.from_bytes(run.files.read(uri)), sorted(metrics, key=str)))
        return found


def test_days_profiled_in_druid_are_those_of_the_local_engine(client, tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    archive.model = "engine_days"
    model = ("model: loans", "model: engine_days")
    access = DruidAccess(connect=lambda: client, today=FIRST)

    there = partition_of(tmp_path / "there", archive, model, ENGINE, druid=access)
    here = partition_of(tmp_path / "here", archive, model)

    assert [profile for profile, _ in there] == [profile for profile, _ in here]
    assert there == here
    counted = client.sql("SELECT __time AS t FROM engine_days_predictions GROUP BY 1 LIMIT 1000")
    assert len({row["t"][:10] for row in counted}) == 2


def test_days_that_druid_does_not_keep_are_profiled_here(tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    kept = ("start:", "druid: {engine: druid, retention_days: 7}\nstart:")

    def connect():
        raise AssertionError("Druid was asked")

    access = DruidAccess(connect=connect, today=FIRST + timedelta(days=30))
    there = partition_of(tmp_path / "there", archive, kept, days=1, druid=access)

    assert there == partition_of(tmp_path / "here", archive, days=1)


def test_without_a_druid_the_engine_says_so(tmp_path: Path):
    archive = local_archive(tmp_path, 1)

    with pytest.raises(ConfigError, match="needs a connection to Druid"):
        partition_of(tmp_path, archive, ENGINE, days=1)


def test_dag_profiles_in_druid_and_then_finds_its_own_load(run_dag, cluster, client, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    druid = {"AIRFLOW_CONN_MLMON_DRUID_DEFAULT": json.dumps({"conn_type": "mlmon_druid", "host": cluster.url})}
    original = archive.spec_text
    archive.spec_text = lambda *given: original(*given, ENGINE, ("model: loans", "model: engine_dag"))

    done = run_dag(archive, str(FIRST), WITHOUT_EVIDENTLY, **druid)

    assert set(done["tasks"].values()) == {"success"}
    load = done["values"]["druid_ingest"][f"engine_dag_predictions {FIRST}"]
    assert load["task_id"].endswith(".c0.n1")
    assert load["rows"] == done["values"]["profile_partition"]["rows"] == 80
