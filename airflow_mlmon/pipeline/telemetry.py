"""Telemetry of the steps of a day: a span of OpenTelemetry, and a record in the store.

The lines of a structured log bear the model, the day, and the ids of the trace and the span that they were written in.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from opentelemetry import trace

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.links import LinkTemplates, Traced, TraceLinks
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.step_store import StepRun
from airflow_mlmon.tracing import spanning

_log = logging.getLogger(__name__)
SEND = "send_alerts"
_ROWS, _BYTES, _STATUS = "mlmon.rows", "mlmon.bytes", "mlmon.status"
_noted: ContextVar[dict[str, str | int] | None] = ContextVar("noted", default=None)

_Step = TypeVar("_Step", bound=Callable[..., Any])


def observed(name: str) -> Callable[[_Step], _Step]:
    """Decorate a step, so that each run of it is observed; see `observing`.

    Its first argument is the run, its second the day or what is known of it.
    """

    def decorate(step: _Step) -> _Step:
        @wraps(step)
        def run_step(run: Run, about: Any, *arguments: Any, **options: Any) -> Any:
            with observing(run, about if isinstance(about, Partition) else about.partition, name):
                return step(run, about, *arguments, **options)

        return cast("_Step", run_step)

    return decorate


@contextmanager
def observing(run: Run, partition: Partition, name: str, *, is_resumed: bool = False) -> Iterator[None]:
    """Make what runs within a span, and record it in the store when it ends.

    What is resumed goes on with a step that was recorded when it was deferred, and took the time between, too.
    """
    started_at, started = datetime.now(UTC), time.perf_counter()
    deferred = [one for one in run.store.step_runs(partition) if one.step == name] if is_resumed else []
    before_s = 0.0
    if deferred:
        before_s = (started_at - deferred[0].started_at).total_seconds()
        started_at = deferred[0].started_at
    seen: dict[str, str | int] = {}
    token = _noted.set(seen)
    error = ""
    with spanning(f"mlmon.{name}", {"mlmon.step": name}) as span, marking(partition):
        try:
            yield
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            _noted.reset(token)
            span.set_attributes(seen)
            rows = seen.get(_ROWS)
            found = StepRun(
                step=name,
                started_at=started_at,
                seconds=before_s + time.perf_counter() - started,
                rows=None if rows is None else int(rows),
                error=error,
                **_address(),
            )
            _record(run, partition, found)


@contextmanager
def observing_day(run: Run, partition: Partition) -> Iterator[None]:
    """Make what runs within the span of a whole day, with the status that the day has in the end."""
    with spanning("mlmon.run_partition", {}) as span, marking(partition):
        yield
        state = run.store.state(partition) if span.is_recording() else None
        if state is not None:
            span.set_attributes({_STATUS: state.status.value, _ROWS: state.rows_read})


@contextmanager
def marking(partition: Partition) -> Iterator[None]:
    """Mark the span under way, and each line of the log that is written within, with the model and the day."""
    trace.get_current_span().set_attributes({"mlmon.model": partition.model, "mlmon.partition": partition.key})
    ids = {f"{name}_id": found for name, found in _address().items() if found}
    with _bound(model=partition.model, partition=partition.key, **ids):
        yield


def note(*, rows: int | None = None, size: int | None = None, status: str | None = None) -> None:
    """Note of the step under way how many rows and bytes it is about, and with which status it ends."""
    seen = _noted.get()
    if seen is not None:
        given = {_ROWS: rows, _BYTES: size, _STATUS: status}
        seen.update({name: value for name, value in given.items() if value is not None})


def find_links(store: MetricStore, templates: LinkTemplates, partition: Partition) -> TraceLinks:
    """Find the links of a day to the trace of its last run and to its log."""
    if templates == LinkTemplates():
        return TraceLinks()
    # alerts may be sent by a run of another day
    steps = [one for one in store.step_runs(partition) if one.step != SEND]
    return link_step(templates, partition, steps[-1], steps) if steps else TraceLinks()


def link_step(templates: LinkTemplates, partition: Partition, step: StepRun, steps: Iterable[StepRun]) -> TraceLinks:
    """Return the links of a step, among the steps of its day, to its span and the log of all that were in its trace."""
    together = [one for one in steps if one.trace == step.trace]
    day = Traced(
        model=partition.model,
        partition=partition.key,
        trace=step.trace,
        span=step.span,
        begun=min(one.started_at for one in together),
        ended=max(one.started_at + timedelta(seconds=one.seconds) for one in together),
    )
    return templates.fill(day)


def _bound(**facts: str) -> AbstractContextManager[None]:
    # a process whose logs are structured has imported it, as Airflow's have; to others it is a fifth of a small day
    bind = sys.modules.get("structlog.contextvars")
    return nullcontext() if bind is None else bind.bound_contextvars(**facts)


def _address() -> dict[str, str]:
    """Return the ids of the trace and the span under way; empty if it is not sampled."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return {"trace": "", "span": ""}
    return {"trace": trace.format_trace_id(context.trace_id), "span": trace.format_span_id(context.span_id)}


def _record(run: Run, partition: Partition, found: StepRun) -> None:
    try:
        run.store.record_step(partition, found)
    except MlmonError:
        # what a step has found is worth more than how long it took
        _log.warning("%s: the run of %s cannot be recorded", partition, found.step, exc_info=True)
