"""`airflow mlmon run` with the traces and the logs that Airflow's own settings ask for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.runs import local_archive
from tests.support.spans import otlp_receiver, spans_of


def test_day_is_one_trace_and_a_line_of_its_log_leads_to_its_span(airflow_home, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)
    spec = tmp_path / "loans.yaml"
    spec.write_text(archive.spec_text(WITHOUT_EVIDENTLY))
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]
    with otlp_receiver() as server:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "mlmon", "run", str(spec), "--partition", str(FIRST), *places],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "AIRFLOW__TRACES__OTEL_ON": "True",
                "AIRFLOW__LOGGING__JSON_LOGS": "True",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
                "OTEL_TRACES_EXPORTER": "otlp_proto_http",
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            },
        )

    found = {span.name: span for request in server.requests for span in spans_of(request)}
    day = found["mlmon.run_partition"]
    steps = [span for span in found.values() if span.parent == day.span]
    assert {span.name for span in steps} >= {"mlmon.prepare_partition", "mlmon.write_reports"}
    assert {span.trace for span in steps} == {day.trace}
    assert day.attributes["mlmon.status"] == "OK", done.stderr
    # standard output is for the answer alone
    assert "{" not in done.stdout
    assert "reports: " in done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    alert, *_ = [line for line in lines if line["logger"] == "airflow_mlmon.alerts"]
    sent = found["mlmon.send_alerts"]
    assert (alert["trace_id"], alert["span_id"]) == (sent.trace, sent.span)
    assert (alert["model"], alert["partition"]) == ("loans", str(FIRST))
