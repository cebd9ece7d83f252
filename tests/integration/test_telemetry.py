"""Steps of a day as spans of OpenTelemetry's SDK, and as records in the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from airflow_mlmon.errors import ServiceUnavailableError
from airflow_mlmon.pipeline import telemetry
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from tests.support.archive import FIRST
from tests.support.runs import local_archive, opened

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
    with opened(tmp_path, local_archive(tmp_path, 1), ("\nhistory:", "\nevidently: none\nhistory:")) as run:
        yield run


@pytest.fixture
def spans(monkeypatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("airflow_mlmon"))
    return exporter


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
        assert span.status.is_unset
        assert 0 < one.seconds < 60
        assert timedelta(0) <= one.started_at - before < timedelta(minutes=1)
        assert one.error == ""
    rows = run.store.state(day).rows_read
    assert recorded[0].rows == rows > 0
    assert found["mlmon.prepare_partition"].attributes["mlmon.rows"] == rows


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
