"""Requests per second of the example service with capture and without, in alternating pairs under Locust.

Both services run all the time, each with one process; the one that is not under load waits. The request is the same
each time, without an id, so that every row has one of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from statistics import median

from include.serving.stack import SERVING_PYTHON
from tests.benchmarks.capture.processes import ROOT
from tests.benchmarks.measured import Measured
from tests.support.processes import answers, await_ready, free_port, start, stop

PAIRS = 10
SECONDS = 8
USERS = 8
DAY = date(2013, 3, 7)
_LOAD = Path(__file__).with_name("fixed_payload.py")
# of ten values in order, the second and the ninth enclose the median with a probability of 97.9 %
_LOW, _HIGH = 1, -2


def measure() -> Measured:
    """The median of the pairs' ratios, with capture ÷ without."""
    with tempfile.TemporaryDirectory(prefix="mlmon-serving-") as folder, ExitStack() as stack:
        place = Path(folder)
        _prepare(place)
        captured = stack.enter_context(_service(place, "on"))
        bare = stack.enter_context(_service(place, "off"))
        # neither is measured cold
        _load(place, captured, 2), _load(place, bare, 2)
        pairs = []
        for number in range(PAIRS):
            order = (captured, bare) if number % 2 else (bare, captured)
            rates = {address: _load(place, address, SECONDS) for address in order}
            pairs.append((rates[captured], rates[bare]))
        archived = sum(path.stat().st_size for path in place.glob("archive/**/*.parquet"))
    ratios = sorted(with_it / without for with_it, without in pairs)
    note = (
        f"median of {PAIRS} pairs of {SECONDS} s, {ratios[_LOW]:.3f} to {ratios[_HIGH]:.3f} (97.9 %); "
        f"{median(without for _, without in pairs):,.0f} requests a second without"
    )
    return Measured(figure=median(ratios), note=note, details={"pairs": pairs, "archived_bytes": archived})


def _prepare(place: Path) -> None:
    """Train the model, and write the request's body."""
    _run(sys.executable, "-m", "include.serving.prepare", str(place), str(DAY), str(DAY))
    _run(str(SERVING_PYTHON), "-m", "include.serving.train", str(place))
    flight = json.loads((place / "traffic" / f"{DAY}.jsonl").read_text().splitlines()[0])
    (place / "body.json").write_text(json.dumps(flight | {"prediction_id": None, "event_time": None}))


@contextmanager
def _service(place: Path, capture: str) -> Iterator[str]:
    """Start the service; its address."""
    port, log = free_port(), place / f"capture-{capture}.log"
    command = [str(SERVING_PYTHON), "-m", "uvicorn", "--factory", "include.serving.app:open_app", "--no-access-log"]
    variables = {
        "PYTHONPATH": str(ROOT),
        "SERVING_MODEL_FOLDER": str(place / "model"),
        "SERVING_CAPTURE": capture,
        "SERVING_DESTINATION": str(place / "archive"),
        "SERVING_SPOOL": str(place / "spool"),
        # several files while it is under load
        "SERVING_FLUSH_S": "2",
    }
    process = start([*command, "--host", "127.0.0.1", "--port", str(port)], log, variables)
    try:
        await_ready(process, lambda: answers(port), log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def _load(place: Path, address: str, seconds: int) -> float:
    """Answered requests per second."""
    found = place / "load.json"
    users = ["--headless", "--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds}s"]
    output = ["--json-file", str(found.with_suffix("")), "--skip-log", "--body", str(place / "body.json")]
    _run(str(SERVING_PYTHON), "-m", "locust", "-f", str(_LOAD), *users, *output, "--host", address)
    [stats] = json.loads(found.read_text())
    if stats["num_failures"]:
        raise RuntimeError(f"{stats['num_failures']} of {stats['num_requests']} requests failed")
    return float(stats["num_requests"] / (stats["last_request_timestamp"] - stats["start_time"]))


def _run(*command: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
