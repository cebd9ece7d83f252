"""What is lost when a process that logs is ended, and whether what is said of it is true.

A process logs at a rate; it counts the calls that it begins and those that return in a file of its own, so that the
truth is known from outside of the library. It is ended after a random time; then another process opens a capture with
the same spool, as the one that replaces it would, and closes it. True loss: calls that returned, less rows in the
archive. Half of the times the archive is a folder, half of the times a bucket.
"""

from __future__ import annotations

import random
import signal
import struct
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.capture.data import spec_of
from tests.benchmarks.capture.places import Bucket, Folder, await_change, open_bucket, read_archive
from tests.benchmarks.capture.processes import run_service, start_service
from tests.benchmarks.measured import Measured

TIMES = 10
RATE = 2_000
SEED = 18


def _end_one(place: Folder | Bucket, folder: Path, how: signal.Signals, seconds: float) -> dict[str, Any]:
    spec, counter = folder / "spec.yaml", folder / "counter"
    spec.write_text(spec_of(place.uri))
    capture = {"flush_seconds": 0.5, "file_rows": 1_000, "spool": str(folder / "spool")}
    options = {"spec": str(spec), "capture": capture}
    environment = place.environment()
    process = start_service({**options, "rate": RATE, "counter": str(counter)}, **environment)
    await_change(counter)
    time.sleep(seconds)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    begun, returned = struct.unpack("qq", counter.read_bytes())
    # rows of its own and some seconds, so that it finds and publishes what the other has left
    after = run_service({**options, "rate": 2, "calls": 8, "id": "after"}, **environment)
    found = read_archive(place)
    ids = [one for one in found.ids if one != "after"]
    # of a call that was interrupted nobody can say whether it counts
    least, most = returned - len(ids), begun - len(ids)
    return {
        "seconds": round(seconds, 3),
        "returncode": process.returncode,
        "begun": begun,
        "returned": returned,
        "archived": len(ids),
        "twice": len(ids) - len(set(ids)),
        "lost": max(least, 0),
        "counted": found.counted,
        "reasons": found.reasons,
        "uncounted": max(least - found.counted, found.counted - most, 0),
        "errors": errors[-500:],
        "after": after["counters"],
    }


@cache
def _ended(how: signal.Signals) -> list[dict[str, Any]]:
    chance = random.Random(SEED)  # noqa: S311 - moments
    found = []
    with tempfile.TemporaryDirectory(prefix="mlmon-kills-") as name:
        for number in range(TIMES):
            folder = Path(name, str(number))
            folder.mkdir()
            seconds = chance.uniform(0.2, 2.5)
            if number % 2:
                with open_bucket(folder / "s3") as bucket:
                    found.append(_end_one(bucket, folder, how, seconds))
            else:
                found.append(_end_one(Folder(folder / "archive"), folder, how, seconds))
    return found


def measure_term() -> Measured:
    """Rows lost by ten orderly ends, in sum."""
    ended = _ended(signal.SIGTERM)
    lost, rows = sum(one["lost"] for one in ended), sum(one["returned"] for one in ended)
    twice = sum(one["twice"] for one in ended)
    return Measured(
        figure=lost,
        note=f"rows of {rows:,}, {TIMES} times SIGTERM at {RATE:,} rows a second; {twice} twice",
        details={"ended": ended},
    )


def measure_kill() -> Measured:
    """Rows lost by ten kills, the most of one."""
    ended = _ended(signal.SIGKILL)
    lost = max(one["lost"] for one in ended)
    rows, twice = sum(one["returned"] for one in ended), sum(one["twice"] for one in ended)
    note = f"rows at most of one of {TIMES} SIGKILL, at {RATE:,} rows a second; {rows:,} in all, {twice} twice"
    return Measured(figure=lost, note=note, details={"ended": ended})


def measure_uncounted() -> Measured:
    """Rows by which what is counted as lost after the kills differs from what is lost."""
    ended = _ended(signal.SIGKILL)
    lost, counted = sum(one["lost"] for one in ended), sum(one["counted"] for one in ended)
    return Measured(
        figure=sum(one["uncounted"] for one in ended),
        note=f"rows; {counted:,} counted, {lost:,} lost by {TIMES} SIGKILL",
        details={"ended": ended},
    )
