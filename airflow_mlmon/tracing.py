"""Spans of OpenTelemetry: of a step, and of each call to another system below it.

They go wherever the process sends them: Airflow by its own settings, a shell by `opentelemetry-instrument`. Without
either they cost microseconds and have no trace. Private data may stand in no span.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

_tracer = trace.get_tracer("airflow_mlmon")
_EXPORTERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


@contextmanager
def spanning(
    name: str, attributes: Mapping[str, AttributeValue], *, kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[Span]:
    """Enter a span; of an error its kind alone is told, as its message may quote a row.

    Args:
        name: name of the span, the same for every call of its kind.
        attributes: what is known when it begins.
        kind: CLIENT for a call to another system.
    """
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def say_export_failures_once() -> None:
    """Let this process say once, and not for each batch of spans, that they cannot be sent: for one that ends soon."""
    for name in _EXPORTERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _Once) for one in logger.filters):
            logger.addFilter(_Once())


class _Once(logging.Filter):
    """Filter that lets a message pass once, whatever it is filled with."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the message was not said yet."""
        is_new = record.msg not in self._said
        self._said.add(record.msg)
        return is_new


class TracedPool(ThreadPoolExecutor):
    """Threads in which a call is part of the span under which it was submitted."""

    def submit(self, fn: Callable[_Given, _Found], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Found]:
        """Submit a call with the context of the caller."""
        return super().submit(lambda context: context.run(fn, *args, **kwargs), copy_context())
