"""Counters of captures as Prometheus reads them."""

from __future__ import annotations

import os
import shutil
import subprocess

from airflow_mlmon.capture.prometheus import write_metrics
from tests.support.captured import log_rows, open_capture
from tests.support.environments import ROOT, VARIABLES, environment
from tests.support.processes import require

COLLECT = """
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry, generate_latest
from airflow_mlmon.capture.prometheus import CaptureCollector, write_metrics
from tests.support.captured import log_rows, open_capture
with open_capture(Path(sys.argv[1])) as capture:
    log_rows(capture, 3)
    capture.skip("too_long")
    assert capture.flush(10)
    registry = CollectorRegistry()
    registry.register(CaptureCollector(capture))
    texts = [write_metrics(capture), generate_latest(registry).decode()]
expected, found = ([line.rpartition(" ") for line in text.splitlines()] for text in texts)
def read(line):
    return line if line[0].startswith("#") else (line[0], float(line[2]))
assert sorted(map(read, found)) == sorted(map(read, expected)), found
"""


def test_metrics_are_of_the_format_and_by_the_conventions(tmp_path):
    tool = shutil.which("promtool")
    require(available=tool is not None, what="promtool")
    with open_capture(tmp_path, queue_rows=5) as capture:
        log_rows(capture, 5)
        capture.drop('an "odd"\nreason\\')
        capture.skip("too_long")
        assert capture.flush(10)
        text = write_metrics(capture)
    checked = subprocess.run([tool, "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    labels = 'archive="predictions",model="fraud"'
    assert f'mlmon_capture_rows_total{{{labels},outcome="accepted",reason=""}} 6.0\n' in text
    assert f'mlmon_capture_rows_total{{{labels},outcome="published",reason=""}} 5.0\n' in text
    assert f'mlmon_capture_rows_total{{{labels},outcome="dropped",reason="an \\"odd\\"\\nreason\\\\"}} 1.0\n' in text
    assert f"mlmon_capture_queue_rows{{{labels}}} 0.0\n" in text


def test_a_registry_of_the_service_collects_the_same(tmp_path):
    python = environment("serving") / "python"
    done = subprocess.run(
        [python, "-c", COLLECT, tmp_path],
        cwd=ROOT,
        env={**os.environ, **VARIABLES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
