"""Days whose spans cannot be sent: the collector is away, slow or refuses, and no day fails for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from airflow_mlmon import tracing
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.tracing import say_export_failures_once
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.druid.scripted import Reply
from tests.support.processes import free_port
from tests.support.runs import local_archive, opened
from tests.support.spans import otlp_receiver, spans_of, tracing_to

# OpenTelemetry says which attempt it makes again, and that it gives up
MOST_LINES = 2


@pytest.fixture
def saying_once() -> Iterator[None]:
    say_export_failures_once()
    yield
    for name in tracing._EXPORTERS:
        logging.getLogger(name).filters.clear()


@pytest.fixture
def exporter(request: pytest.FixtureRequest) -> Iterator[SpanExporter]:
    with ExitStack() as stack:
        if isinstance(request.param, Reply):
            endpoint = f"{stack.enter_context(otlp_receiver(request.param)).url}/v1/traces"
            yield OTLPSpanExporter(endpoint, timeout=0.3)
        elif request.param == "grpc":
            yield GrpcExporter(f"http://127.0.0.1:{free_port()}", insecure=True, timeout=0.3)
        else:
            yield OTLPSpanExporter(f"http://127.0.0.1:{free_port()}/v1/traces", timeout=0.3)


@pytest.mark.parametrize(
    "exporter",
    [
        pytest.param("http", id="nobody-listens"),
        pytest.param("grpc", id="nobody-listens-to-grpc"),
        pytest.param(Reply(status=503), id="busy"),
        pytest.param(Reply(status=401, body=b"who are you?"), id="refuses"),
        pytest.param(Reply(delay_s=0.6), id="slow"),
    ],
    indirect=True,
)
def test_day_whose_spans_cannot_be_sent_is_well_and_it_is_said_once(saying_once, exporter, tmp_path, caplog):
    processor = BatchSpanProcessor(exporter, max_export_batch_size=2, schedule_delay_millis=50)
    with opened(tmp_path, local_archive(tmp_path, 1), WITHOUT_EVIDENTLY) as run:
        with tracing_to(processor) as provider:
            run_partition(run, run.partition(FIRST))
            provider.shutdown()

        assert run.store.state(run.partition(FIRST)).status is Status.OK
        assert all(one.trace for one in run.store.step_runs(run.partition(FIRST)))
    said = [record.getMessage() for record in caplog.records if record.name.startswith("opentelemetry.")]
    assert 0 < len(said) <= MOST_LINES, said
    assert len(set(said)) == len(said)


def test_spans_of_a_day_are_received(tmp_path):
    with opened(tmp_path, local_archive(tmp_path, 1), WITHOUT_EVIDENTLY) as run:
        with otlp_receiver() as server:
            processor = BatchSpanProcessor(OTLPSpanExporter(f"{server.url}/v1/traces"))
            with tracing_to(processor) as provider:
                run_partition(run, run.partition(FIRST))
                provider.shutdown()

        received = {span.span for request in server.requests for span in spans_of(request)}
        assert {one.span for one in run.store.step_runs(run.partition(FIRST))} <= received
