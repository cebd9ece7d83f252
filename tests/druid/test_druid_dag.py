"""The nightly DAG with a Druid that is there: its rows and metrics can be queried afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

import airflow_mlmon
from airflow_mlmon.partition import Partition
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, day_table
from tests.support.runs import local_archive

EXAMPLES = Path(airflow_mlmon.__file__).parent / "example_dags"
FIRST_MOMENT = datetime.combine(FIRST, time(), UTC)
pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


# the overlord and the broker, as the Druid provider's connections name them
OF_PROVIDER = ("\nhistory:", "\ndruid: {connection: druid_ingest_default, broker: druid_broker_default}\nhistory:")


def provided(cluster) -> dict[str, str]:
    overlord = {"port": cluster.ports["coordinator"], "extra": {"endpoint": "druid/indexer/v1/task"}}
    broker = {"port": cluster.ports["broker"], "extra": {"endpoint": "/druid/v2/sql/"}}
    return {
        f"AIRFLOW_CONN_DRUID_{name}_DEFAULT": json.dumps({"conn_type": "druid", "host": "localhost"} | fields)
        for name, fields in (("INGEST", overlord), ("BROKER", broker))
    }


def test_dag_loads_the_day_and_a_second_run_replaces_it(run_dag, cluster, client, tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    druid = {"AIRFLOW_CONN_MLMON_DRUID_DEFAULT": json.dumps({"conn_type": "mlmon_druid", "host": cluster.url})}

    first = run_dag(archive, str(FIRST), WITHOUT_EVIDENTLY, **druid)
    archive.write_predictions(FIRST, day_table(FIRST, 100))
    deferred = provided(cluster) | {"AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True"}
    second = run_dag(archive, str(FIRST), WITHOUT_EVIDENTLY, OF_PROVIDER, **deferred)

    assert [done["tasks"]["druid_ingest"] for done in (first, second)] == ["success", "success"]
    assert ["Pausing task as DEFERRED" in done["log"] for done in (first, second)] == [False, True]
    [load] = [value for key, value in first["values"]["druid_ingest"].items() if "predictions" in key]
    assert first["links"]["druid_ingest"] == [f"{cluster.url}/unified-console.html#tasks/task_id~{load['task_id']}"]
    assert second["values"]["druid_ingest"][f"loans_predictions {FIRST}"]["rows"] == 100
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        [recorded] = [one for one in store.step_runs(Partition.of_day("loans", FIRST)) if one.step == "load_druid"]
    rows = sum(load["rows"] for load in second["values"]["druid_ingest"].values())
    assert (recorded.error, recorded.rows) == ("", rows)
    assert client.sql("SELECT COUNT(*) AS n FROM loans_predictions") == [{"n": 100}]
    query = 'SELECT "value" FROM loans_metrics WHERE "metric" = ? AND segment IS NULL AND __time = ?'
    assert client.sql(query, ["rows", FIRST_MOMENT]) == [{"value": 100.0}]
    columns = client.sql(
        "SELECT COLUMN_NAME AS c FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'loans_predictions'"
    )
    assert "email" not in {row["c"] for row in columns}
    assert asked(tmp_path, provided(cluster)) == [[str(FIRST), "rows", 100.0]]


def asked(folder: Path, connections: dict[str, str]) -> list[Any]:
    """What the example DAG reads of the metrics, through the provider's SQL hook; those of all rows that it has."""
    text = (EXAMPLES / "example_query_druid.py").read_text().replace('MODEL = "fraud"', 'MODEL = "loans"')
    folder = folder / "examples"
    folder.mkdir()
    (folder / "example.py").write_text(text.replace("'rows', 'null_rate', 'roc_auc'", "'rows'"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dag_run", str(folder / "example.py"), str(FIRST)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW__CORE__DAGS_FOLDER": str(folder), **connections},
    )
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"state"')))
    return [row["__data__"] for row in found["values"]["read_metrics"]]
