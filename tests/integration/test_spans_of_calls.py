"""Calls to S3 and Druid as spans below the step that makes them."""

from __future__ import annotations

import uuid

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import NotFoundError, ServiceRejectedError
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.telemetry import observing_day
from airflow_mlmon.storage import Storage
from airflow_mlmon.tracing import TracedPool, spanning
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY, Archive
from tests.support.druid.scripted import Reply, as_json, scripted
from tests.support.runs import opened, s3_writer
from tests.support.spans import spans_in_memory

STATUS = as_json({"version": "33.0.0", "modules": []})


@pytest.mark.service
def test_calls_to_s3_are_children_of_the_steps(versity, tmp_path):
    client, bucket = versity.client(), versity.bucket(f"loans-{uuid.uuid4().hex[:12]}")
    archive = Archive(f"s3://{bucket}/archive", s3_writer(client))
    archive.write_all(1)
    given = {"storage": Storage(lambda _: client), "workspace": f"s3://{bucket}/mlmon"}
    with opened(tmp_path, archive, WITHOUT_EVIDENTLY, **given) as run:
        with spans_in_memory() as spans, observing_day(run, run.partition(FIRST)):
            run_partition(run, run.partition(FIRST))
        listed = run.archive.list(f"s3://{bucket}/archive/predictions/")

    found = spans.get_finished_spans()
    steps = {span.context.span_id: span.name for span in found if span.name.startswith("mlmon.")}
    calls = [span for span in found if span.name.startswith("s3 ")]
    assert {"s3 list", "s3 read", "s3 write"} <= {span.name for span in calls}
    assert {span.kind for span in calls} == {SpanKind.CLIENT}
    # a file that is looked for and is not there is no error
    assert {span.status.status_code for span in calls} == {StatusCode.UNSET}
    assert {span.parent.span_id for span in calls} <= steps.keys()
    assert {steps[span.parent.span_id] for span in calls} >= {"mlmon.prepare_partition", "mlmon.write_reports"}
    read = {
        span.attributes["mlmon.uri"]: span.attributes.get("mlmon.bytes") for span in calls if span.name == "s3 read"
    }
    assert {item.uri: item.size for item in listed if item.size}.items() <= read.items()


def test_call_that_fails_says_with_what_kind_of_error(moto):
    store = Storage(lambda _: moto.client()).at("s3://spans-of-calls/")
    with spans_in_memory() as spans:
        with pytest.raises(ServiceRejectedError):
            store.read("s3://spans-of-calls/ann@example.com")
        with pytest.raises(NotFoundError), spanning("outer", {}):
            raise NotFoundError("ann@example.com")

    statuses = {span.name: (span.status.status_code, span.status.description) for span in spans.get_finished_spans()}
    assert statuses == {
        "s3 read": (StatusCode.ERROR, "ServiceRejectedError"),
        "outer": (StatusCode.ERROR, "NotFoundError"),
    }


def test_call_to_druid_is_one_span_however_often_it_is_sent():
    with scripted(Reply(status=503), STATUS) as server, spans_in_memory() as spans:
        client = DruidClient(f"{server.url}", retry=Retry(attempts=3), sleep=lambda _: None)
        with spanning("outer", {}):
            client.status()

    call, outer = spans.get_finished_spans()
    assert (call.name, call.kind, call.parent.span_id) == ("druid GET", SpanKind.CLIENT, outer.context.span_id)
    assert dict(call.attributes) == {
        "server.address": server.host,
        "http.request.method": "GET",
        "url.path": "/status",
        "http.request.resend_count": 1,
        "http.response.status_code": 200,
    }


def test_call_in_a_thread_is_below_the_span_that_it_was_submitted_in():
    def call(number: int) -> None:
        with spanning(f"call {number}", {}):
            pass

    with spans_in_memory() as spans, spanning("outer", {}), TracedPool(2) as pool:
        list(pool.map(call, range(3)))

    *calls, outer = spans.get_finished_spans()
    assert sorted(span.name for span in calls) == ["call 0", "call 1", "call 2"]
    assert {span.parent.span_id for span in calls} == {outer.context.span_id}
