"""A day of 100,000 rows and 1,000 columns: its run, and the size of its page."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.day.data import START, spec_text, write_day, write_reference
from tests.benchmarks.day.large import run_days
from tests.benchmarks.measured import Measured

_ROWS, _NUMBERS = 100_000, 994
_REFERENCE_ROWS = 1_000
_KIB = 1024


def seconds() -> Measured:
    """Measure the seconds of a second day, with the labels of the first, in a warm process."""
    found = _run()
    day = found["days"][-1]
    steps = ", ".join(f"{name.partition('_')[0]} {seconds:.1f}" for name, seconds in day["steps"].items())
    note = f"{day['cpu_s']:.0f} CPU s ({steps}), peak {found['peak_mib']:.0f} MiB, {day['status']}"
    return Measured(figure=day["wall_s"], note=note, details=found)


def page_kib() -> Measured:
    """Measure the size of its page in KiB."""
    found = _run()
    return Measured(figure=found["page_bytes"] / _KIB)


@cache
def _run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        root, days = folder / "archive", [START, START + timedelta(days=1)]
        write_reference(root, _REFERENCE_ROWS, numbers=_NUMBERS)
        for day in days:
            write_day(root, day, _ROWS, numbers=_NUMBERS)
        (folder / "spec.yaml").write_text(spec_text(root, numbers=_NUMBERS))
        found = run_days(folder, *days)
        page = folder / "workspace" / "reports" / "large" / str(days[-1]) / "report.html"
        return found | {"page_bytes": page.stat().st_size}
