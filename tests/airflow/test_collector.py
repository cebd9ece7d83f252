"""A night of a real Airflow in the real collector: spans and lines of logs, and how they find each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlmon.store.metric_store import MetricStore
from tests.support.api_server import ApiServer
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.prometheus import eventually
from tests.support.runs import local_archive
from tests.support.scheduled import scheduled
from tests.support.spans import ReceivedSpan
from tests.support.telemetry import collecting

DAG_FILE = """
from airflow_mlmon.dag_factory import build_dags
globals().update(build_dags({folder!r}, default_args={{"retries": 0}}))
"""
BACKFILL = {
    "dag_id": "loans",
    "from_date": f"{FIRST}T00:00:00Z",
    "to_date": f"{FIRST}T00:00:00Z",
    "max_active_runs": 1,
}
_HELD = re.compile(r'otelcol_exporter_queue_size{.*exporter="otlp_http/loki".*} [1-9]')
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What was sent of one day, though Tempo and Loki were away all night and the collector was killed."""
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    dags.mkdir()
    changes = ("start: 2026-03-01\n", f"start: {FIRST}\nend: {FIRST}\n"), WITHOUT_EVIDENTLY
    (dags / "loans.yaml").write_text(local_archive(home, 1).spec_text(*changes))
    (dags / "models.py").write_text(DAG_FILE.format(folder=str(dags)))
    logs = home / "logs"
    with collecting(home, logs) as (collector, backends):
        backends.is_willing = False
        settings = {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__MLMON__STORE": f"sqlite:///{home / 'store.db'}",
            "AIRFLOW__MLMON__WORKSPACE": str(home / "workspace"),
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            **collector.environment,
        }
        server = ApiServer(home, settings)
        with scheduled(server, lambda: server.call("POST", "/backfills", BACKFILL)):
            state = eventually(lambda: _ended(server), seconds=240)
            metrics = eventually(lambda: "airflow_ti_finish" in (text := collector.scrape(8889)) and text)
            held = eventually(lambda: _HELD.search(text := collector.scrape(8888)) and text) or ""
            # what was sent to it and read by it is on its disk
            collector.restart()
            backends.is_willing = True
            spans = eventually(lambda: _of_whole_run(backends.spans))
            # the last task may write after its run has ended
            eventually(lambda: _written(logs) <= {line.text for line in backends.lines})
        written = _written(logs)
        yield SimpleNamespace(
            home=home,
            state=state,
            held=held,
            spans={span.span: span for span in spans},
            lines=backends.lines,
            written=written,
            metrics=metrics,
        )


def _ended(server: ApiServer) -> str:
    """The state in which the run of the day has ended; nothing while it has not."""
    states = [run["state"] for run in server.call("GET", "/dags/loans/dagRuns")["dag_runs"]]
    return next((state for state in states if state in ("success", "failed")), "")


def _written(logs: Path) -> set[str]:
    """The lines in the files of the tasks' logs."""
    return {line for file in logs.rglob("attempt=*") for line in file.read_text().splitlines()}


def _of_whole_run(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    """The spans, once that of the run itself, which ends last, is among them."""
    return spans if any(span.name == "dag_run.loans" for span in spans) else []


def test_nothing_is_lost_while_tempo_loki_and_the_collector_are_away(night):
    assert night.state == "success"
    # by which Prometheus tells when too much waits
    queues = re.findall(
        r'otelcol_exporter_queue_(size|capacity){.*exporter="otlp_http/(\w+)".*} (\S+)', night.held or ""
    )
    assert {(what, backend) for what, backend, number in queues if float(number) > 0} >= {
        ("size", "loki"),
        ("capacity", "loki"),
        ("capacity", "tempo"),
    }
    assert {line.text for line in night.lines} == night.written


def test_steps_stand_below_the_tasks_of_one_trace(night):
    with MetricStore(f"sqlite:///{night.home / 'store.db'}") as store:
        [day] = store.states("loans", FIRST, FIRST)
        recorded = store.step_runs(day.partition)

    [whole] = [span for span in night.spans.values() if span.name == "dag_run.loans"]
    assert {one.trace for one in recorded} == {whole.trace}
    assert len(recorded) > 5
    for one in recorded:
        span = night.spans[one.span]
        task = night.spans[span.parent]
        assert span.name == f"mlmon.{one.step}"
        assert span.attributes["mlmon.model"] == "loans"
        assert span.attributes["mlmon.partition"] == str(FIRST)
        assert task.name == f"worker.{task.attributes['airflow.task_id']}"


def test_a_line_names_the_span_in_which_it_was_written(night):
    joined = [line for line in night.lines if line.span]
    named = ("mlmon.model", "mlmon.partition")

    assert {night.spans[line.span].name for line in joined} >= {"mlmon.prepare_partition", "mlmon.evaluate_partition"}
    for line in joined:
        span = night.spans[line.span]
        assert line.trace == span.trace
        assert [line.attributes[name] for name in named] == [span.attributes[name] for name in named]
        # some are written by the task before and after the step
        task = span if span.name.startswith("worker.") else night.spans[span.parent]
        assert line.attributes["airflow.task_id"] == task.attributes["airflow.task_id"]
        assert line.attributes["airflow.dag_run.run_id"] == task.attributes["airflow.dag_run.run_id"]


def test_every_line_keeps_its_time_and_level_and_names_its_task(night):
    for line in night.lines:
        content = json.loads(line.text)
        written_at = datetime.fromisoformat(content["timestamp"])
        assert abs(written_at - EPOCH - timedelta(microseconds=line.at // 1000)) < timedelta(milliseconds=1)
        assert line.severity == content["level"]
        assert line.resource == {"service.name": "airflow"}
        assert line.attributes["airflow.dag_id"] == "loans"
        assert line.attributes["airflow.task_instance.try_number"] == "1"
        assert Path(line.attributes["log.file.path"]).is_relative_to(night.home / "logs")


def test_metrics_of_airflow_can_be_scraped(night):
    assert 'job="airflow"' in night.metrics
    assert "airflow_ti_finish_total" in night.metrics
