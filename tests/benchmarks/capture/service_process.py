"""A process that logs predictions at a rate, as a benchmark asks: `python -m tests.benchmarks.capture.service_process`.

It is given one JSON object:

    spec      its file
    capture   arguments of a capture; null for none
    preload   modules that the service has imported without capture
    absent    modules that it has not installed
    rate      calls a second; 0 for as fast as it can
    calls     how many, or `seconds`, how long; without either until it is ended
    parts     spans of its time, in seconds, of which the calls are measured apart
    counter   file of two numbers that outlive it: calls begun, calls returned
    id        of every row; else they are numbered

At its end it prints one object: microseconds of the calls, the counters of the capture, and its memory.
"""

from __future__ import annotations

import json
import mmap
import struct
import sys
import time
from array import array
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from itertools import count
from pathlib import Path
from typing import Any

from tests.benchmarks.capture.data import features
from tests.benchmarks.memory import memory_mib

# as many rows as repeat
ROWS = 1_000


def run(options: dict[str, Any]) -> dict[str, Any]:
    """Log as it is asked for."""
    sys.meta_path.insert(0, _Absent(options.get("absent", ())))
    for name in options.get("preload", ()):
        import_module(name)
    rows = [features(number) for number in range(ROWS)]
    began = memory_mib("VmRSS")
    log, close, counters = _open(options)
    memory = _shared(options.get("counter"))
    taken = array("q")
    calls, pause = options.get("calls") or 0, 1 / options["rate"] if options.get("rate") else 0
    start = time.perf_counter()
    end = start + options["seconds"] if options.get("seconds") else float("inf")
    for number in count():
        if (calls and number == calls) or (number % 64 == 0 and time.perf_counter() > end):
            break
        if pause and (wait := start + number * pause - time.perf_counter()) > 0:
            time.sleep(wait)
        row = dict(rows[number % ROWS])
        struct.pack_into("q", memory, 0, number + 1)
        before = time.perf_counter_ns()
        log(row, 0.5, id=options.get("id") or str(number), version="3")
        taken.append(time.perf_counter_ns() - before)
        struct.pack_into("q", memory, 8, number + 1)
    seconds = time.perf_counter() - start
    peak = memory_mib("VmHWM")
    close()
    return {
        "calls": len(taken),
        "seconds": seconds,
        **_quantiles(taken),
        # what a call took while something else happened, between two moments
        "parts": [
            _quantiles(taken[int(first * options["rate"]) : int(last * options["rate"])])
            for first, last in options.get("parts", ())
        ],
        "rss_before_mb": began,
        "rss_peak_mb": peak,
        "counters": counters(),
    }


class _Absent(MetaPathFinder):
    """Finder of modules that are to seem not installed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, *_: object) -> None:
        """Refuse them, and leave the others to the next finder."""
        if fullname in self._names:
            raise ModuleNotFoundError(fullname, name=fullname)


def _quantiles(taken: array[int]) -> dict[str, float]:
    ordered = sorted(nanoseconds / 1e3 for nanoseconds in taken)
    places = {"us_median": 0.5, "us_p99": 0.99, "us_p999": 0.999}
    found = {name: ordered[int(len(ordered) * place)] for name, place in places.items()}
    return {**found, "us_most": ordered[-1]}


def _open(options: dict[str, Any]) -> tuple[Any, Any, Any]:
    if options.get("capture") is None:
        return (lambda *_, **__: None), (lambda: None), dict
    from airflow_mlmon.capture import Capture  # noqa: PLC0415 - the process without it shall not load it

    capture = Capture(options["spec"], **options["capture"])
    return capture.log, capture.close, lambda: dict(getattr(capture, "counters", {}))


def _shared(file: str | None) -> mmap.mmap | bytearray:
    if file is None:
        return bytearray(16)
    path = Path(file)
    path.write_bytes(bytes(16))
    with path.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), 16)


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(run(json.loads(sys.argv[1])))}\n")
