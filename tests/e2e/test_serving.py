"""Two days of the example service: traffic, archive, monitoring, page."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.capture.marks import METADATA_KEY, read_marks
from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.settings import CHECKOUT
from include.demo.window import Window
from include.serving.stack import BUCKET, SPEC, ServingStack, serving_environment
from tests.support.served import serving

FIRST, SECOND = date(2013, 3, 7), date(2013, 3, 8)
# asked by hand, so that the service goes on after the days
OTHER = date(2013, 3, 9)
MODEL = "flights_served"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.service


@dataclass
class Served:
    """What was seen while the days were served, and where they were monitored."""

    stack: ServingStack
    requests: dict[str, float]
    seconds: float
    published: float
    dropped: float
    one: Any
    several: Any
    versions: Any

    def rows(self, day: date, kind: str = "predictions") -> pa.Table:
        """The archived rows of a day."""
        return pa.concat_tables(table for _, table in self.files(day, kind))

    def files(self, day: date, kind: str = "predictions") -> list[tuple[Any, pa.Table]]:
        """Marks and rows of the archived files of a day."""
        client = self.stack.archive()
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"flights/{kind}/dt={day}/").get("Contents", [])
        names = [item["Key"] for item in found if item["Key"].endswith(".parquet")]
        tables = [
            pq.read_table(io.BytesIO(client.get_object(Bucket=BUCKET, Key=name)["Body"].read())) for name in names
        ]
        return [(read_marks(table.schema.metadata[METADATA_KEY]), table) for table in tables]

    def written(self, day: date, name: str) -> pa.Table:
        """A file of the evaluated version of a day."""
        with MetricStore(self.stack.settings.store) as store:
            [state] = store.states(MODEL, day, day)
        folder = self.stack.settings.workspace / MODEL / "partitions" / str(day) / state.version
        return pq.read_table(folder / name)

    def asked(self, day: date, kind: str = "traffic") -> list[dict[str, Any]]:
        """What Locust sent on a day."""
        path = self.stack.files / kind / f"{day}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def send(stack: ServingStack, body: Any, **headers: str) -> tuple[Any, Any]:
    """Headers and JSON of the answer of `/predict`."""
    request = Request(f"{stack.address}/predict", json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=10) as reply:  # noqa: S310 - loopback
        return reply.headers, json.load(reply)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serving"), Window(first=FIRST, last=SECOND)) as stack:
        assert stack.start_prometheus() or os.environ.get("CI") != "true"
        for day in (FIRST, SECOND):
            stack.replay(day)
        seen = Served(
            stack=stack,
            requests=stack.query('http_requests_total{handler="/predict"}'),
            seconds=stack.query('http_request_duration_seconds_sum{handler="/predict"}')[""],
            published=stack.query('mlmon_capture_rows_total{archive="predictions",outcome="published"}')[""],
            dropped=stack.query('sum(mlmon_capture_rows_total{outcome="dropped"}) or vector(0)')[""],
            one=None,
            several=None,
            versions=stack.ask("/versions"),
        )
        flight = seen.asked(FIRST)[0] | {"event_time": f"{OTHER}T05:00:00Z"}
        seen.one = send(stack, flight, traceparent=TRACE)
        both = [flight | {"prediction_id": None}, flight | {"prediction_id": "second", "temp": None}]
        seen.several = send(stack, both)
        stack.stop_service()
        for day in (FIRST, SECOND):
            stack.run_night(day, "--evidently", "none")
        yield seen


@pytest.fixture(scope="module")
def metrics(served) -> dict[tuple[date, str, str | None], float | None]:
    with MetricStore(served.stack.settings.store) as store:
        return store.metrics(MODEL, FIRST, SECOND)


def test_every_request_is_a_row_of_the_archive_and_of_the_day(served, metrics):
    archived = {day: served.rows(day) for day in (FIRST, SECOND)}
    statuses = Counter(status for rows in archived.values() for status in rows["status"].to_pylist())

    assert statuses == served.requests
    assert statuses["200"] == len(served.asked(FIRST)) + len(served.asked(SECOND))
    assert statuses["422"] > 0
    assert (served.published, served.dropped) == (sum(statuses.values()), 0)
    for day, rows in archived.items():
        assert metrics[day, "rows", None] == len(rows)
        curated, errors = served.written(day, "curated.parquet"), served.written(day, "errors.parquet")
        assert curated.num_rows + errors.num_rows == len(rows)
        assert sorted(curated["prediction_id"].to_pylist()) == sorted(row["prediction_id"] for row in served.asked(day))


def test_the_days_are_evaluated_without_a_gap(served):
    with MetricStore(served.stack.settings.store) as store:
        states = store.states(MODEL, FIRST, SECOND)

    assert [(state.status, state.rows_quarantined, state.message) for state in states] == [(Status.OK, 0, "")] * 2


def test_latency_and_errors_are_those_that_prometheus_counted(served, metrics):
    rows = pa.concat_tables([served.rows(FIRST), served.rows(SECOND)])

    assert sum(rows["latency_ms"].to_pylist()) / 1000 == pytest.approx(served.seconds, rel=1e-9)
    errors = [metrics[day, "rows_errors", None] for day in (FIRST, SECOND)]
    assert sum(errors) == served.requests["422"]
    assert metrics[FIRST, "error_rate", None] == pytest.approx(errors[0] / served.rows(FIRST).num_rows)
    answered = served.rows(FIRST).filter(pa.compute.equal(served.rows(FIRST)["status"], "200"))["latency_ms"]
    # within a cell of the profile
    assert metrics[FIRST, "latency_p95", None] == pytest.approx(np.quantile(answered, 0.95), rel=0.02)


def test_labels_of_the_first_day_are_joined_on_the_second(served, metrics):
    asked = {flight["prediction_id"] for flight in served.asked(FIRST)}
    delivered = [label for label in served.asked(SECOND, "labels") if label["prediction_id"] in asked]
    known = [label["late"] for label in delivered if label["outcome"] == "arrived"]
    excluded = len(delivered) - len(known)

    assert served.rows(SECOND, "labels").num_rows == len(delivered) == len(served.asked(SECOND, "labels"))
    assert metrics[FIRST, "label_coverage", None] == pytest.approx(len(known) / (len(asked) - excluded))
    assert metrics[FIRST, "positive_rate", None] == pytest.approx(np.mean(known))
    assert 0.6 < metrics[FIRST, "roc_auc", None] < 0.9
    assert metrics[SECOND, "label_coverage", None] == 0


def test_a_request_is_found_in_the_archive_by_its_trace(served):
    rows = served.written(FIRST, "curated.parquet").select(["prediction_id", "traceparent"]).to_pylist()
    traces = {row["prediction_id"]: row["traceparent"] for row in rows}

    assert {key: trace.split("-")[1] for key, trace in traces.items()} == {
        key: hashlib.sha256(key.encode()).hexdigest()[:32] for key in traces
    }
    asked = served.asked(FIRST)[5]["prediction_id"]
    command = [sys.executable, "-m", "airflow_mlmon.cli.main", "trace", str(SPEC), traces[asked]]
    known = serving_environment(served.stack.settings, os.environ)
    done = subprocess.run([*command, "--partition", str(FIRST)], env=known, capture_output=True, text=True, check=True)
    assert asked in done.stdout


def test_the_answer_has_the_id_and_the_trace(served):
    headers, answer = served.one
    rows = {row["prediction_id"]: row for row in served.rows(OTHER).to_pylist()}
    trace, (made, second) = served.several[0]["traceparent"], served.several[1]

    assert headers["traceparent"] == TRACE == rows[answer["prediction_id"]]["traceparent"]
    assert rows.keys() == {answer["prediction_id"], made["prediction_id"], second["prediction_id"]}
    # both flights of a request are of its trace
    assert trace == rows["second"]["traceparent"] == rows[made["prediction_id"]]["traceparent"]
    assert made["score"] == answer["score"] == rows[made["prediction_id"]]["score"]
    assert rows["second"]["temp"] is None
    assert served.versions == {answer["model_version"]: 1.0}


def test_attributions_add_up_to_the_score_and_are_on_the_page(served, metrics):
    rows = served.written(FIRST, "curated.parquet")
    names = [name for name in rows.column_names if name.startswith("shap_")]
    sums = np.sum([rows[name].to_numpy() for name in names], axis=0)
    log_odds = np.log(rows["score"].to_numpy() / (1 - rows["score"].to_numpy()))
    page = (served.stack.settings.workspace / "reports" / MODEL / str(FIRST) / "report.html").read_text()

    assert len(names) == 12
    # but for the base value, which is that of the model, and six digits of the score
    assert np.ptp(log_odds - sums) < 1e-3
    assert metrics[FIRST, "attribution", "hour"] == pytest.approx(np.abs(rows["shap_hour"].to_numpy()).mean(), rel=0.01)
    assert metrics[FIRST, "attribution_ndcg", None] > 0.9
    assert "shap_hour" in page


def test_days_before_the_service_are_refused():
    command = [sys.executable, "-m", "include.serving.run", "--from", "2013-02-27", "--days", "2"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(
        "serve: The days of the demo must lie between 2013-03-01 and 2013-12-31, got 2013-02-27"
    )


def test_a_service_that_ends_in_order_leaves_nothing_behind(served):
    marks = [mark for mark, _ in served.files(OTHER)]

    assert marks[-1].closing
    assert {mark.process for mark in marks} == {mark.process for mark, _ in served.files(FIRST)}
