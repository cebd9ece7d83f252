"""How long one call of `log` takes, with the writer at work."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.capture.data import spec_of
from tests.benchmarks.capture.processes import run_service
from tests.benchmarks.measured import Measured

CALLS = 200_000
RUNS = 3
# a second: a busy process of a service
RATE = 5_000


@cache
def _measured(rate: int) -> list[dict[str, Any]]:
    return [_one(rate) for _ in range(RUNS)]


def _one(rate: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlmon-calls-") as folder:
        spec = Path(folder, "spec.yaml")
        spec.write_text(spec_of(f"{folder}/archive"))
        # a second, so that files are written all the time
        return run_service({"spec": str(spec), "capture": {"flush_seconds": 1}, "rate": rate, "calls": CALLS})


def measure(quantile: str) -> Measured:
    """The median of the runs, at a rate and as fast as the process can."""
    at_rate, fast = _measured(RATE), _measured(0)
    figure = median(one[f"us_{quantile}"] for one in at_rate)
    full = median(one[f"us_{quantile}"] for one in fast)
    note = f"µs, {CALLS:,} calls at {RATE:,} a second, median of {RUNS} runs; {full:.3g} at full speed"
    return Measured(figure=figure, note=note, details={"at_rate": at_rate, "full_speed": fast})
