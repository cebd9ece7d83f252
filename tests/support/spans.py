"""Spans of the product, kept in memory by OpenTelemetry's SDK, or received as OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_mlmon import tracing
from tests.support.druid.scripted import Received, Reply, Server, serving


@contextmanager
def tracing_to(processor: SpanProcessor) -> Iterator[TracerProvider]:
    """A provider of which the product's tracer is; the process has none of its own."""
    provider = TracerProvider()
    provider.add_span_processor(processor)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tracing, "_tracer", provider.get_tracer("airflow_mlmon"))
        yield provider


@contextmanager
def spans_in_memory() -> Iterator[InMemorySpanExporter]:
    """The spans of the product, as they end."""
    exporter = InMemorySpanExporter()
    with tracing_to(SimpleSpanProcessor(exporter)):
        yield exporter


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as OTLP carries it; the ids are in hexadecimal digits."""

    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, Any]


def spans_of(request: Received) -> list[ReceivedSpan]:
    """The spans of an OTLP request."""
    content = ExportTraceServiceRequest.FromString(request.body)
    return [
        ReceivedSpan(
            name=span.name,
            trace=span.trace_id.hex(),
            span=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            attributes={one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes},
        )
        for resource in content.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@contextmanager
def otlp_receiver(reply: Reply | None = None) -> Iterator[Server]:
    """A receiver of OTLP over HTTP."""
    with serving(lambda _: reply or Reply(body=b"", kind="application/x-protobuf")) as server:
        yield server
