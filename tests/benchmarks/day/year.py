"""A year of days of 5,000 rows, run one after the other in one process: with labels, pages and alerts."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.benchmarks.day.data import START, write_archive
from tests.benchmarks.day.large import run_days
from tests.benchmarks.measured import Measured

_DAYS, _ROWS = 365, 5_000
# days on which columns have drifted, and alert: one among the first ten, and one among the last
_FIRST_DRIFT, _DRIFTS_EVERY = 8, 13
_DRIFTED, _SHIFT = ("x0", "x1"), 2.0
_COMPARED = 10


def year() -> Measured:
    """Measure the seconds of all days, the reference and the imports in."""
    found = _run()
    days = found["days"]
    note = f"{found['cpu_s']:.0f} CPU s, peak {found['peak_mib']:.0f} MiB, statuses {_count(days)}"
    return Measured(figure=sum(day["wall_s"] for day in days), note=note, details=found)


def growth() -> Measured:
    """Measure the CPU seconds of the last ten days over those of the first ten after the first."""
    days = _run()["days"]
    first, last = days[1 : 1 + _COMPARED], days[-_COMPARED:]
    before, after = (sum(day["cpu_s"] for day in some) for some in (first, last))
    steps = {
        name: round(sum(day["steps"][name] for day in last) / sum(day["steps"][name] for day in first), 2)
        for name in last[0]["steps"]
    }
    return Measured(figure=after / before, note=f"{before / _COMPARED:.3f} CPU s a day at first; by step {steps}")


@cache
def _run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        (folder / "spec.yaml").write_text(write_archive(folder / "archive", _DAYS, _ROWS))
        days = [START + timedelta(days=number) for number in range(_DAYS)]
        for day in days[_FIRST_DRIFT::_DRIFTS_EVERY]:
            _drift(folder / "archive", day)
        return run_days(folder, *days)


def _drift(root: Path, day: date) -> None:
    """Shift columns of a day."""
    for file in (root / "predictions" / f"dt={day}").iterdir():
        table = pq.read_table(file)
        for name in _DRIFTED:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pc.add(table.column(name), pa.scalar(_SHIFT)))
        pq.write_table(table, file)


def _count(days: list[dict[str, Any]]) -> dict[str, int]:
    statuses = [day["status"] for day in days]
    return {status: statuses.count(status) for status in sorted(set(statuses))}
