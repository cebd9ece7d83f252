"""The nightly DAG with a Druid that is there: its rows and metrics can be queried afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from tests.support.archive import FIRST, day_table
from tests.support.runs import local_archive

FIRST_MOMENT = datetime.combine(FIRST, time(), UTC)
pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


def test_dag_loads_the_day_and_a_second_run_replaces_it(run_dag, cluster, client, tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    druid = {"AIRFLOW_CONN_MLMON_DRUID_DEFAULT": json.dumps({"conn_type": "mlmon_druid", "host": cluster.url})}

    first = run_dag(archive, str(FIRST), **druid)
    archive.write_predictions(FIRST, day_table(FIRST, 100))
    second = run_dag(archive, str(FIRST), **druid, AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True")

    assert [done["tasks"]["druid_ingest"] for done in (first, second)] == ["success", "success"]
    assert ["Pausing task as DEFERRED" in done["log"] for done in (first, second)] == [False, True]
    [load] = [value for key, value in second["values"]["druid_ingest"].items() if "predictions" in key]
    assert second["links"]["druid_ingest"] == [f"{cluster.url}/unified-console.html#tasks/task_id~{load['task_id']}"]
    assert second["values"]["druid_ingest"][f"loans_predictions {FIRST}"]["rows"] == 100
    assert client.sql("SELECT COUNT(*) AS n FROM loans_predictions") == [{"n": 100}]
    query = 'SELECT "value" FROM loans_metrics WHERE "metric" = ? AND segment IS NULL AND __time = ?'
    assert client.sql(query, ["rows", FIRST_MOMENT]) == [{"value": 100.0}]
    columns = client.sql(
        "SELECT COLUMN_NAME AS c FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'loans_predictions'"
    )
    assert "email" not in {row["c"] for row in columns}
