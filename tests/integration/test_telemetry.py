"""Steps of a day as spans of OpenTelemetry's SDK, in the lines of the log, and as records in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from airflow_mlmon.errors import ServiceUnavailableError
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.telemetry import observing, observing_day
from airflow_mlmon.records import Status
from airflow_mlmon.store.step_store import StepRun
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.runs import local_archive, opened
from tests.support.spans import spans_in_memory

STEPS = [
    "prepare_partition",
    "validate_partition",
    "profile_partition",
    "detect_drift",
    "measure_performance",
    "evaluate_partition",
    "write_reports",
]


@pytest.fixture
def run(tmp_path) -> Iterator[Run]:
    with opened(tmp_path, local_archive(tmp_path, 1), WITHOUT_EVIDENTLY) as run:
        yield run


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with spans_in_memory() as exporter:
        yield exporter


def test_every_step_is_a_span_and_a_record_that_names_it(run, spans):
    day = run.partition(FIRST)
    before = datetime.now(UTC)
    run_partition(run, day)

    found = {span.name: span for span in spans.get_finished_spans()}
    recorded = run.store.step_runs(day)

    assert [one.step for one in recorded] == STEPS
    assert set(found) == {f"mlmon.{step}" for step in STEPS}
    for one in recorded:
        span = found[f"mlmon.{one.step}"]
        address = format_trace_id(span.context.trace_id), format_span_id(span.context.span_id)
        assert (one.trace, one.span) == address
        assert span.attributes["mlmon.model"] == run.model
        assert span.attributes["mlmon.partition"] == day.key
        assert span.attributes["mlmon.step"] == one.step
        assert span.status.is_unset
        assert 0 < one.seconds < 60
        assert timedelta(0) <= one.started_at - before < timedelta(minutes=1)
        assert one.error == ""


def test_steps_say_how_many_rows_and_bytes_they_are_about(run, spans, tmp_path):
    day = run.partition(FIRST)
    with observing_day(run, day):
        run_partition(run, day)
    found = {span.name.removeprefix("mlmon."): span.attributes for span in spans.get_finished_spans()}
    rows = run.store.state(day).rows_read

    counted = {one.step: one.rows for one in run.store.step_runs(day)}
    of_rows = dict.fromkeys(STEPS, rows) | {"measure_performance": None, "write_reports": None}
    assert counted == of_rows
    assert {step: found[step].get("mlmon.rows") for step in STEPS} == of_rows
    files = [path for path in (tmp_path / "archive" / "predictions").rglob(f"*{FIRST}*/*") if path.is_file()]
    assert found["prepare_partition"]["mlmon.bytes"] == sum(path.stat().st_size for path in files) > 0
    assert found["evaluate_partition"]["mlmon.status"] == found["run_partition"]["mlmon.status"] == "OK"
    assert found["run_partition"]["mlmon.rows"] == rows


def test_day_is_the_parent_of_its_steps(run, spans):
    with observing_day(run, run.partition(FIRST)):
        run_partition(run, run.partition(FIRST))

    *steps, day = spans.get_finished_spans()
    assert day.name == "mlmon.run_partition"
    assert day.parent is None
    assert {span.parent.span_id for span in steps} == {day.context.span_id}
    assert len({span.context.trace_id for span in (*steps, day)}) == 1


def test_lines_of_the_log_bear_the_span_that_they_were_written_in(run, spans):
    seen = {}

    def progress(message: str) -> None:
        seen[message] = dict(structlog.contextvars.get_contextvars())

    run_partition(replace(run, progress=progress), run.partition(FIRST))

    found = {span.name.removeprefix("mlmon."): span.context for span in spans.get_finished_spans()}
    expected = {"reading the archive": "prepare_partition", "evaluating": "evaluate_partition"}
    for message, step in expected.items():
        assert seen[message] == {
            "model": run.model,
            "partition": str(FIRST),
            "trace_id": format_trace_id(found[step].trace_id),
            "span_id": format_span_id(found[step].span_id),
        }
    assert structlog.contextvars.get_contextvars() == {}


def test_lines_of_a_log_without_traces_bear_model_and_day_alone(run):
    seen = []
    traced = replace(run, progress=lambda _: seen.append(dict(structlog.contextvars.get_contextvars())))
    run_partition(traced, run.partition(FIRST))

    assert {tuple(sorted(one)) for one in seen if one} == {("model", "partition")}


def test_step_that_was_deferred_took_the_time_of_its_wait_too(run):
    day = run.partition(FIRST)
    begun = StepRun(step="load_druid", started_at=datetime.now(UTC) - timedelta(minutes=5), seconds=1)
    run.store.record_step(day, begun)

    with observing(run, day, "load_druid", is_resumed=True):
        pass
    [resumed] = run.store.step_runs(day)
    with observing(run, day, "load_druid"):
        pass
    [anew] = run.store.step_runs(day)

    assert resumed.started_at == begun.started_at
    assert 300 <= resumed.seconds < 400
    assert anew.started_at > begun.started_at
    assert anew.seconds < 100


def test_step_that_fails_is_told_by_its_kind_alone(run, spans, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ValueError("row 5 of ann@example.com")

    monkeypatch.setattr("airflow_mlmon.pipeline.steps.prepare.take_in", fail)
    run_partition(run, run.partition(FIRST))

    [failed] = [one for one in run.store.step_runs(run.partition(FIRST)) if one.error]
    [span] = [span for span in spans.get_finished_spans() if not span.status.is_unset]
    assert (failed.step, failed.error) == ("prepare_partition", "ValueError")
    assert (span.name, span.status.status_code) == ("mlmon.prepare_partition", StatusCode.ERROR)
    assert "ann@example.com" not in span.to_json()
    assert run.store.state(run.partition(FIRST)).status is Status.FAILED


def test_without_a_provider_a_record_has_no_trace(run):
    run_partition(run, run.partition(FIRST))

    assert {(one.trace, one.span) for one in run.store.step_runs(run.partition(FIRST))} == {("", "")}


def test_store_that_takes_no_record_costs_no_step(run, monkeypatch, caplog):
    def refuse(*_: object) -> None:
        raise ServiceUnavailableError("the store is locked")

    monkeypatch.setattr(type(run.store), "record_step", refuse)
    run_partition(run, run.partition(FIRST))

    assert run.store.state(run.partition(FIRST)).status is Status.OK
    assert "cannot be recorded" in caplog.text
