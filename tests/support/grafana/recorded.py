"""Metrics of Airflow and of Druid as they were recorded, in a database of Prometheus.

`airflow.om.gz`: Airflow 3.3 with `[metrics] otel_on`, by the collector's prometheus exporter, each five seconds of a
few runs of one DAG. `druid.om.gz`: the events of Druid 33.0.0's HTTP emitter, with the names, the labels and the kinds
that its `prometheus-emitter` gives them by default, which is not to be had here; each five seconds of some loads, one
of which fails.
"""

from __future__ import annotations

import gzip
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.grafana.dashboards import Shown

SYSTEMS = ("airflow", "druid")
DAG = "loans"
_FOLDER = Path(__file__).parent / "recorded"


def fill_database(folder: Path, text: str) -> None:
    """Put samples in the text format of OpenMetrics, with their times, into a database of Prometheus."""
    samples = folder / "samples.om"
    samples.write_text(text)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", samples, folder / "tsdb"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def recorded(system: str) -> str:
    """What was recorded of a system."""
    return gzip.decompress((_FOLDER / f"{system}.om.gz").read_bytes()).decode()


def system_of(text: str) -> str | None:
    """The system whose recorded metrics a query asks for; None for those of the models."""
    for system in SYSTEMS:
        if re.search(rf'\b{system}_\w+|job="{system}"', text):
            return system
    return None


def time_of(system: str) -> Shown:
    """The time in which it was recorded."""
    times = [float(line.rpartition(" ")[2]) for line in recorded(system).splitlines() if not line.startswith("#")]
    first, last = (datetime.fromtimestamp(at, UTC) for at in (min(times), max(times)))
    return Shown(
        since=first, until=last + timedelta(seconds=1), values={"model": (DAG,)} if system == "airflow" else {}
    )
