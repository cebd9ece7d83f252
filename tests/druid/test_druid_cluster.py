"""What a real Druid does with our loads; each test has a datasource of its own."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.doctor.diagnosis import Health
from airflow_mlmon.doctor.services import check_druid
from airflow_mlmon.druid.ingestion import build_metrics_datasource
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import Load, Patience, empty_partition, load_partition
from airflow_mlmon.druid.tables import build_metrics_table
from airflow_mlmon.errors import NotFoundError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.druid import Druid
from tests.support.druid.bucket import DAY, NEXT, QUICK, SIGNATURE, datasource, handing_in, load_rows, rows_of, served

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]


def test_the_cluster_is_ready_in_time_and_tells_its_version(cluster, client):
    assert cluster.ready_s < 180
    assert client.status().version == "33.0.0"
    assert "druid-datasketches" in client.status().extensions


def test_the_doctor_finds_its_slots_and_its_clock_and_that_it_runs_tasks(client):
    found = check_druid(
        "druid", client, Druid(), datasource="doctor", clock=lambda: datetime.now(UTC), sleep=time.sleep
    )

    assert [(one.health, "task slots in use; a task" in one.said) for one in found] == [(Health.OK, True)]


def test_a_day_loaded_twice_is_there_once(client, bucket):
    table = rows_of(DAY, 300)

    first = load_rows(client, bucket, "twice", table)
    again = load_rows(client, bucket, "twice", table)
    cleared = load_rows(client, bucket, "twice", table, clear_number=1)

    assert (first.rows, first.segments) == (300, 1)
    assert again == first
    assert cleared.task_id == "mlmon.twice.2013-03-08.v1.c1.n1"
    assert served(client, "twice") == (300, 150.0)


def test_new_content_replaces_its_day_and_no_other(client, bucket):
    load_rows(client, bucket, "changed", rows_of(NEXT, 50), partition=NEXT)
    load_rows(client, bucket, "changed", rows_of(DAY, 200))

    load_rows(client, bucket, "changed", rows_of(DAY, 200, score=0.25), version="v2")
    assert served(client, "changed") == (200, 50.0)

    load_rows(client, bucket, "changed", rows_of(DAY, 120, score=0.25), version="v3")
    assert served(client, "changed") == (120, 30.0)
    assert served(client, "changed", NEXT) == (50, 25.0)


def test_a_bad_value_fails_the_load_and_the_retry_has_the_next_id(client, bucket):
    load_rows(client, bucket, "failing", rows_of(DAY, 100))
    bad = rows_of(DAY, 90).set_column(2, "score", [["text"] * 90])

    with pytest.raises(ServiceRejectedError) as caught:
        load_rows(client, bucket, "failing", bad, version="v2")
    assert SIGNATURE not in str(caught.value)
    assert served(client, "failing") == (100, 50.0)

    done = load_rows(client, bucket, "failing", rows_of(DAY, 90), version="v2")
    assert done.task_id == "mlmon.failing.2013-03-08.v2.c0.n2"
    assert served(client, "failing") == (90, 45.0)


def test_rows_of_another_day_fail_the_load_and_change_nothing(client, bucket):
    load_rows(client, bucket, "outside", rows_of(DAY, 30))
    both = pa.concat_tables([rows_of(DAY, 20), rows_of(NEXT, 1)])

    with pytest.raises(ServiceRejectedError, match="outside the partition"):
        load_rows(client, bucket, "outside", both, version="v2")

    assert served(client, "outside") == (30, 15.0)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut-off"),
        pytest.param(lambda _: write_json_lines(rows_of(DAY, 0)), id="empty"),
        pytest.param(lambda _: gzip.compress(b'{"at": "2013-03-08T01:00:00Z", "id"'), id="no-json"),
    ],
)
def test_a_broken_source_fails_the_load_and_changes_nothing(client, bucket, request, broken):
    name = f"broken_{request.node.callspec.id}".replace("-", "_")
    load_rows(client, bucket, name, rows_of(DAY, 30))
    wanted = Load(datasource=datasource(name), partition=DAY, version="v2", rows=5000)
    url = bucket.put(name, broken(write_json_lines(rows_of(DAY, 5000))))

    with pytest.raises(ServiceRejectedError) as caught:
        load_partition(client, wanted, handing_in(client, wanted, [url]), patience=QUICK)

    assert SIGNATURE not in str(caught.value)
    assert served(client, name) == (30, 15.0)


def test_an_emptied_day_is_empty_and_can_be_loaded_again(client, bucket):
    load_rows(client, bucket, "emptied", rows_of(NEXT, 10), partition=NEXT)
    load_rows(client, bucket, "emptied", rows_of(DAY, 30))

    assert empty_partition(client, "emptied", DAY, patience=QUICK).segments == 1
    assert served(client, "emptied") == (0, None)
    assert served(client, "emptied", NEXT) == (10, 5.0)

    again = load_rows(client, bucket, "emptied", rows_of(DAY, 30), patience=Patience(poll_s=0.3, visible_s=8))
    assert again.task_id == "mlmon.emptied.2013-03-08.v1.c0.n2"
    assert served(client, "emptied") == (30, 15.0)


def test_a_datasource_that_is_not_there_is_empty_already(client):
    assert empty_partition(client, "nowhere", DAY).rows == 0
    with pytest.raises(NotFoundError):
        served(client, "nowhere")


def test_a_load_that_is_stopped_fails_and_changes_nothing(client, bucket):
    with pytest.raises(ServiceUnavailableError, match="Shutdown request from user"):
        load_rows(client, bucket, "stopped", rows_of(DAY, 100), on_begun=client.shutdown)

    with pytest.raises(NotFoundError):
        served(client, "stopped")


def test_values_arrive_as_they_were(client, tmp_path: Path):
    words = ['a"b\\c\n', "\u2028é😀", "", None, "'; DROP"]
    table = rows_of(DAY, 5).set_column(1, "id", [words]).set_column(3, "n", [[2**53 + 1, -(2**63), 2**63 - 1, 0, None]])
    table = table.set_column(2, "score", [[0.1, float("nan"), float("-inf"), 1e-300, -0.5]])
    path = tmp_path / "day.json.gz"
    path.write_bytes(write_json_lines(table))

    wanted = Load(datasource=datasource("values"), partition=DAY, version="v1", rows=5)
    load_partition(client, wanted, handing_in(client, wanted, [path.as_uri()]), patience=QUICK)

    rows = client.sql('SELECT __time, "id", "score", "n" FROM "values" ORDER BY __time')
    assert [row["id"] for row in rows] == words
    assert [row["score"] for row in rows] == [0.1, None, None, 1e-300, -0.5]
    assert [row["n"] for row in rows] == [2**53 + 1, -(2**63), 2**63 - 1, 0, None]
    assert rows[-1]["__time"] == "2013-03-08T23:59:59.999Z"


def test_metrics_can_be_sliced(client, bucket):
    spec = parse_spec(
        "model: flights\nstart: 2013-03-01\nreference: {path: s3://b/reference/}\n"
        "predictions:\n  path: s3://b/{date}/\n  columns:\n"
        "    id: {type: string, role: id}\n    at: {type: timestamp, role: time}\n    x: {type: float}\n",
        "flights.yaml",
    )
    values = [
        MetricValue(metric="null_rate", column="x", value=0.25, rows=8, low=0.125, high=0.5),
        MetricValue(metric="accuracy", value=None, rows=0),
    ]
    load_rows(client, bucket, build_metrics_datasource(spec), build_metrics_table(DAY, values))

    rows = client.sql('SELECT "metric", "column", "value", "rows", "low", "constant" FROM "flights_metrics"')
    assert sorted(rows, key=lambda row: row["metric"]) == [
        {"metric": "accuracy", "column": None, "value": None, "rows": 0, "low": None, "constant": None},
        {"metric": "null_rate", "column": "x", "value": 0.25, "rows": 8, "low": 0.125, "constant": None},
    ]
