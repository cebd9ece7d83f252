"""What happens when S3 is away for a minute: what is lost, what a call takes meanwhile, and what memory it costs."""

from __future__ import annotations

import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.capture.data import spec_of
from tests.benchmarks.capture.places import await_change, open_bucket, read_archive
from tests.benchmarks.capture.processes import read_output, run_service, start_service
from tests.benchmarks.measured import Measured

RATE = 500
BEFORE_S, AWAY_S, AFTER_S = 20, 60, 20


@cache
def _away() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlmon-outage-") as name, open_bucket(Path(name, "s3")) as bucket:
        spec, counter = Path(name, "spec.yaml"), Path(name, "counter")
        spec.write_text(spec_of(bucket.uri))
        options = {"spec": str(spec), "capture": {"flush_seconds": 1, "spool": f"{name}/spool"}}
        spans = {
            "rate": RATE,
            "seconds": BEFORE_S + AWAY_S + AFTER_S,
            "parts": [
                (1, BEFORE_S),
                (BEFORE_S, BEFORE_S + AWAY_S),
                (BEFORE_S + AWAY_S, BEFORE_S + AWAY_S + AFTER_S - 1),
            ],
            "counter": str(counter),
        }
        process = start_service({**options, **spans}, **bucket.environment())
        await_change(counter)
        time.sleep(BEFORE_S)
        bucket.stop()
        time.sleep(AWAY_S)
        bucket.start()
        found = read_output(process)
        run_service({**options, "rate": 2, "calls": 8, "id": "after"}, **bucket.environment())
        archived = read_archive(bucket)
    ids = [one for one in archived.ids if one != "after"]
    return {
        **found,
        "archived": len(ids),
        "twice": len(ids) - len(set(ids)),
        "lost": found["calls"] - len(set(ids)),
        "counted": archived.counted,
        "reasons": archived.reasons,
    }


def measure_lost() -> Measured:
    """Rows that are lost and not counted, or counted and not lost."""
    found = _away()
    note = f"rows of {found['calls']:,}, S3 away for {AWAY_S} s; {found['lost']} lost, {found['twice']} twice"
    return Measured(figure=abs(found["lost"] - found["counted"]), note=note, details=found)


def measure_p99() -> Measured:
    """µs of a call while S3 is away."""
    before, away, after = (part["us_p99"] for part in _away()["parts"])
    most = _away()["parts"][1]["us_most"]
    note = f"µs of a call while S3 is away; {before:.3g} before, {after:.3g} after; {most:,.0f} at most"
    return Measured(figure=away, note=note, details=_away())
