"""Memory that capture takes beside the service's own, at its worst: more rows than it can write, and S3 away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.capture.data import spec_of
from tests.benchmarks.capture.processes import run_service
from tests.benchmarks.measured import Measured
from tests.support.processes import free_port

SECONDS = 30
# a second: more than can be written
RATE = 20_000
# what a service of a gradient-boosted model has imported without capture; LightGBM imports pandas, pandas pyarrow
SERVICE = {"preload": ["fastapi", "lightgbm"]}
# one that has neither, nor has them installed; pyarrow would import pandas
SMALL = {"preload": ["numpy"], "absent": ["pandas"]}


def _peak(service: dict[str, list[str]], *, is_captured: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlmon-memory-") as folder:
        spec = Path(folder, "spec.yaml")
        spec.write_text(spec_of("s3://captured/archive"))
        capture = {"flush_seconds": 1, "spool": f"{folder}/spool", "close_seconds": 1} if is_captured else None
        options = {"spec": str(spec), "capture": capture, "rate": RATE, "seconds": SECONDS, **service}
        # nobody answers there
        endpoint = f"http://127.0.0.1:{free_port()}"
        return run_service(options, AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")


def measure() -> Measured:
    """MiB at most, with capture less without."""
    peaks = [[_peak(service, is_captured=captured) for captured in (False, True)] for service in (SERVICE, SMALL)]
    more, more_of_small = (with_it["rss_peak_mb"] - without["rss_peak_mb"] for without, with_it in peaks)
    note = f"MiB at {RATE:,} rows a second, S3 away; {more_of_small:.0f} in a service that has not even loaded pyarrow"
    return Measured(figure=more, note=note, details={"service": peaks[0], "small": peaks[1]})
