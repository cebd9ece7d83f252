"""Telemetry of the steps of a day: a span of OpenTelemetry, and a record in the store.

Spans go wherever the process sends them: Airflow by its own settings, a shell by `opentelemetry-instrument`. Without
either they cost nothing and have no trace.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast

from opentelemetry import trace

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.store.step_store import StepRun

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("airflow_mlmon")
_ROWS = "mlmon.rows"

_Step = TypeVar("_Step", bound=Callable[..., Any])


def observed(name: str, rows: Callable[[Any], int] | None = None) -> Callable[[_Step], _Step]:
    """Decorate a step, so that each run of it is a span, and recorded in the store.

    Its first argument is the run, its second the day or what is known of it.

    Args:
        name: name of the step.
        rows: number of rows that its result is about.
    """

    def decorate(step: _Step) -> _Step:
        @wraps(step)
        def run_step(run: Run, about: Any, *arguments: Any, **options: Any) -> Any:
            with _observing(run, about if isinstance(about, Partition) else about.partition, name) as seen:
                result = step(run, about, *arguments, **options)
                if rows is not None:
                    seen[_ROWS] = rows(result)
            return result

        return cast("_Step", run_step)

    return decorate


@contextmanager
def _observing(run: Run, partition: Partition, name: str) -> Iterator[dict[str, int]]:
    started_at, started = datetime.now(UTC), time.perf_counter()
    facts = {"mlmon.model": partition.model, "mlmon.partition": partition.key, "mlmon.step": name}
    seen: dict[str, int] = {}
    error = ""
    # of an error its kind alone is told: its message may quote a row
    with _tracer.start_as_current_span(
        f"mlmon.{name}", attributes=facts, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield seen
        except BaseException as failure:
            error = type(failure).__name__
            span.set_status(trace.StatusCode.ERROR, error)
            raise
        finally:
            span.set_attributes(seen)
            found = StepRun(
                step=name,
                started_at=started_at,
                seconds=time.perf_counter() - started,
                rows=seen.get(_ROWS),
                error=error,
                **_address(span.get_span_context()),
            )
            _record(run, partition, found)


def _address(context: trace.SpanContext) -> dict[str, str]:
    if not context.is_valid or not context.trace_flags.sampled:
        return {"trace": "", "span": ""}
    return {"trace": trace.format_trace_id(context.trace_id), "span": trace.format_span_id(context.span_id)}


def _record(run: Run, partition: Partition, found: StepRun) -> None:
    try:
        run.store.record_step(partition, found)
    except MlmonError:
        # what a step has found is worth more than how long it took
        _log.warning("%s: the run of %s cannot be recorded", partition, found.step, exc_info=True)
