"""Small days: what a day of 5,000 rows costs in a warm process, and as a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.benchmarks.day.data import START, write_archive
from tests.benchmarks.day.large import run_days
from tests.benchmarks.measured import Measured

_ROWS = 5_000
_DAYS = 8
_LAST = 3


def cpu_5000() -> Measured:
    """Measure the CPU seconds of a healthy day within a warm process: the median of the last three of eight."""
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        (folder / "spec.yaml").write_text(write_archive(folder / "archive", _DAYS, _ROWS))
        found = run_days(folder, *(START + timedelta(days=number) for number in range(_DAYS)))["days"]
    last = sorted(found[-_LAST:], key=lambda day: day["cpu_s"])
    median = last[_LAST // 2]
    steps = ", ".join(f"{name.partition('_')[0]} {seconds:.3f}" for name, seconds in median["steps"].items())
    return Measured(figure=median["cpu_s"], note=steps, details={"days": found})


def cold_5000() -> Measured:
    """Measure the seconds of `mlmon run` of a healthy day as a fresh process: the median of three days."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        (folder / "spec.yaml").write_text(write_archive(folder / "archive", _LAST + 1, _ROWS))
        run_days(folder, START)
        places = {
            "AIRFLOW__MLMON__STORE": f"sqlite:///{folder / 'store.db'}",
            "AIRFLOW__MLMON__WORKSPACE": str(folder / "workspace"),
        }
        for number in range(1, _LAST + 1):
            command = ["run", str(folder / "spec.yaml"), "--partition", str(START + timedelta(days=number))]
            before = time.perf_counter()
            subprocess.run(
                [str(Path(sys.executable).with_name("mlmon")), *command],
                check=True,
                capture_output=True,
                env=os.environ | places,
            )
            seconds.append(time.perf_counter() - before)
    return Measured(figure=statistics.median(seconds), note=f"{min(seconds):.1f} to {max(seconds):.1f} s")
