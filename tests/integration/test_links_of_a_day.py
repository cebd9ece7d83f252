"""Links of a day to its trace and log: on its page, beside its steps, and in its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.alerts.alertmanager import to_alertmanager
from airflow_mlmon.links import LinkTemplates
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.send import send_alerts
from airflow_mlmon.plugins.live import put_now
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.runs import local_archive, opened
from tests.support.spans import spans_in_memory

LINKS = LinkTemplates(trace="https://t.example/{trace}/{span}", log="https://l.example/{model}?q={trace}")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Recorder:
    def __init__(self) -> None:
        self.messages = []

    def send(self, message) -> None:
        self.messages.append(message)


@pytest.fixture
def run(tmp_path) -> Iterator[Run]:
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)
    with opened(tmp_path, archive, WITHOUT_EVIDENTLY, links=LINKS) as run:
        yield run


def sent_of(run: Run) -> list:
    recorder = Recorder()
    send_alerts(run, run.partition(FIRST), dict.fromkeys(run.declared_channels, recorder), NOW)
    return recorder.messages


def test_day_leads_to_the_trace_and_the_log_of_its_last_run(run):
    day = run.partition(FIRST)
    with spans_in_memory():
        page = Path(run_partition(run, day).report).read_text()
        evaluated = next(one for one in run.store.step_runs(day) if one.step == "evaluate_partition")
        [message] = sent_of(run)

    trace, log = f"https://t.example/{evaluated.trace}/{evaluated.span}", f"https://l.example/loans?q={evaluated.trace}"
    hrefs = {link.text: link["href"] for link in BeautifulSoup(page, "html.parser").select("nav a")}
    assert (hrefs["Trace"], hrefs["Log"]) == (trace, log)
    assert message.payload["trace"].startswith("https://t.example/")
    assert f"trace: {message.payload['trace']}\nlog: {message.payload['log']}\n" in message.text
    [first, *_] = to_alertmanager(message, message.payload["alerts"], NOW, "")
    assert first["annotations"]["trace_url"] == message.payload["trace"]
    assert first["annotations"]["log_url"] == message.payload["log"]


def test_page_that_airflow_serves_says_how_each_step_ran(run):
    day = run.partition(FIRST)
    with spans_in_memory():
        page = Path(run_partition(run, day).report).read_text()
        sent_of(run)

    served = BeautifulSoup(put_now(page, run.store, day, LINKS), "html.parser").select_one("section.now")
    steps = {row.select_one("td").text: row for row in served.select("tbody tr")}
    recorded = {one.step.replace("_", " "): one for one in run.store.step_runs(day)}
    assert steps.keys() == recorded.keys() >= {"prepare partition", "write reports", "send alerts"}
    for name, row in steps.items():
        assert f"{recorded[name].seconds:.1f}" in [cell.text for cell in row.select("td.number")]
        assert row.select_one("a")["href"] == f"https://t.example/{recorded[name].trace}/{recorded[name].span}"


def test_day_without_traces_leads_nowhere_and_its_alert_to_its_run_in_airflow(run):
    untraced = replace(run, links=LinkTemplates(), log_url="https://airflow.example/dags/loans/runs/1")
    page = Path(run_partition(untraced, run.partition(FIRST)).report).read_text()
    [message] = sent_of(untraced)

    assert "Trace</a>" not in page
    assert (message.payload["trace"], message.payload["log"]) == ("", "https://airflow.example/dags/loans/runs/1")
    assert "trace:" not in message.text
