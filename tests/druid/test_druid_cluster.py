"""What a real Druid does with our loads; each test has a datasource of its own."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType, metrics_datasource
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import Patience, empty_partition, load_partition
from airflow_mlmon.druid.tables import metrics_table
from airflow_mlmon.errors import NotFoundError, ServiceRejectedError
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.load import parse_spec
from tests.support.druid.scripted import Reply, serving

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]

DAY = Partition.of_day("flights", date(2013, 3, 8))
NEXT = DAY.shift(1)
SIGNATURE = "X-Amz-Signature=0123456789abcdef"
QUICK = Patience(poll_s=0.3, visible_s=60)


class Bucket:
    """Objects behind presigned addresses."""

    def __init__(self, url):
        self.url = url
        self.objects = {}

    def put(self, name, table):
        self.objects[f"/{name}.json.gz"] = write_json_lines(table)
        return f"{self.url}/{name}.json.gz?{SIGNATURE}"


@pytest.fixture(scope="module")
def bucket():
    def answer(request):
        body = box[0].objects.get(request.path.partition("?")[0])
        return Reply(status=404) if body is None else Reply(body=body, kind="application/octet-stream")

    box = []
    with serving(answer) as server:
        box.append(Bucket(server.url))
        yield box[0]


def datasource(name):
    columns = {"id": DimensionType.STRING, "score": DimensionType.DOUBLE, "n": DimensionType.LONG}
    return Datasource(
        name=name,
        time_column="at",
        dimensions=tuple(Dimension(name=column, type=kind, is_indexed=False) for column, kind in columns.items()),
    )


def rows_of(partition, count, score=0.5):
    moments = [partition.start + timedelta(microseconds=86_399_999_999 * i // max(count - 1, 1)) for i in range(count)]
    return pa.table(
        {
            "at": pa.array(moments, pa.timestamp("us", "UTC")),
            "id": [f"id-{i}" for i in range(count)],
            "score": [score] * count,
            "n": range(count),
        }
    )


def load(client, bucket, name, table, *, partition=DAY, version="v1", **changes):
    url = bucket.put(f"{name}-{partition.key}-{version}", table)
    arguments = {"input_urls": [url], "rows": table.num_rows, "version": version, "patience": QUICK} | changes
    return load_partition(client, datasource=datasource(name), partition=partition, **arguments)


def served(client, name, partition=DAY):
    [row] = client.sql(
        f'SELECT COUNT(*) AS n, SUM("score") AS s FROM "{name}" WHERE __time >= ? AND __time < ?',  # noqa: S608
        [partition.start, partition.end],
    )
    return row["n"], row["s"]


def test_the_cluster_is_ready_in_time_and_tells_its_version(cluster, client):
    assert cluster.ready_s < 180
    assert client.status().version == "33.0.0"
    assert "druid-datasketches" in client.status().extensions


def test_a_day_loaded_twice_is_there_once(client, bucket):
    table = rows_of(DAY, 300)

    first = load(client, bucket, "twice", table)
    again = load(client, bucket, "twice", table)
    cleared = load(client, bucket, "twice", table, clear_number=1)

    assert (first.rows, first.segments) == (300, 1)
    assert again == first
    assert cleared.task_id == "mlmon.twice.2013-03-08.v1.c1.n1"
    assert served(client, "twice") == (300, 150.0)


def test_new_content_replaces_its_day_and_no_other(client, bucket):
    load(client, bucket, "changed", rows_of(NEXT, 50), partition=NEXT)
    load(client, bucket, "changed", rows_of(DAY, 200))

    load(client, bucket, "changed", rows_of(DAY, 200, score=0.25), version="v2")
    assert served(client, "changed") == (200, 50.0)

    load(client, bucket, "changed", rows_of(DAY, 120, score=0.25), version="v3")
    assert served(client, "changed") == (120, 30.0)
    assert served(client, "changed", NEXT) == (50, 25.0)


def test_a_bad_value_fails_the_load_and_the_retry_has_the_next_id(client, bucket):
    load(client, bucket, "failing", rows_of(DAY, 100))
    bad = rows_of(DAY, 90).set_column(2, "score", [["text"] * 90])

    with pytest.raises(ServiceRejectedError) as caught:
        load(client, bucket, "failing", bad, version="v2")
    assert SIGNATURE not in str(caught.value)
    assert served(client, "failing") == (100, 50.0)

    done = load(client, bucket, "failing", rows_of(DAY, 90), version="v2")
    assert done.task_id == "mlmon.failing.2013-03-08.v2.c0.n2"
    assert served(client, "failing") == (90, 45.0)


def test_rows_of_another_day_are_not_said_to_be_loaded(client, bucket):
    both = pa.concat_tables([rows_of(DAY, 20), rows_of(NEXT, 1)])

    with pytest.raises(ServiceRejectedError, match="1 thrown away"):
        load(client, bucket, "outside", both)


def test_an_emptied_day_is_empty_and_can_be_loaded_again(client, bucket):
    load(client, bucket, "emptied", rows_of(NEXT, 10), partition=NEXT)
    load(client, bucket, "emptied", rows_of(DAY, 30))

    assert empty_partition(client, datasource=datasource("emptied"), partition=DAY, patience=QUICK).segments == 1
    assert served(client, "emptied") == (0, None)
    assert served(client, "emptied", NEXT) == (10, 5.0)

    again = load(client, bucket, "emptied", rows_of(DAY, 30), patience=Patience(poll_s=0.3, visible_s=8))
    assert again.task_id == "mlmon.emptied.2013-03-08.v1.c0.n2"
    assert served(client, "emptied") == (30, 15.0)


def test_a_datasource_that_is_not_there_is_empty_already(client):
    nowhere = datasource("nowhere")

    assert empty_partition(client, datasource=nowhere, partition=DAY).rows == 0
    with pytest.raises(NotFoundError):
        served(client, "nowhere")


def test_a_load_that_is_stopped_fails_and_changes_nothing(client, bucket):
    with pytest.raises(ServiceRejectedError, match="Shutdown request from user"):
        load(client, bucket, "stopped", rows_of(DAY, 100), on_submitted=client.shutdown)

    with pytest.raises(NotFoundError):
        served(client, "stopped")


def test_values_arrive_as_they_were(client, tmp_path: Path):
    words = ['a"b\\c\n', "\u2028é😀", "", None, "'; DROP"]
    table = rows_of(DAY, 5).set_column(1, "id", [words]).set_column(3, "n", [[2**53 + 1, -(2**63), 2**63 - 1, 0, None]])
    table = table.set_column(2, "score", [[0.1, float("nan"), float("-inf"), 1e-300, -0.5]])
    path = tmp_path / "day.json.gz"
    path.write_bytes(write_json_lines(table))

    arguments = {"input_urls": [path.as_uri()], "rows": 5, "version": "v1", "patience": QUICK}
    load_partition(client, datasource=datasource("values"), partition=DAY, **arguments)

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
        MetricValue(metric="null_share", column="x", value=0.25, rows=8),
        MetricValue(metric="accuracy", value=None, rows=0),
    ]
    url = bucket.put("metrics", metrics_table(DAY, values))

    arguments = {"input_urls": [url], "rows": 2, "version": "v1", "patience": QUICK}
    load_partition(client, datasource=metrics_datasource(spec), partition=DAY, **arguments)

    rows = client.sql('SELECT "metric", "column", "value", "rows" FROM "flights_metrics"')
    assert sorted(rows, key=lambda row: row["metric"]) == [
        {"metric": "accuracy", "column": None, "value": None, "rows": 0},
        {"metric": "null_share", "column": "x", "value": 0.25, "rows": 8},
    ]
