"""Days of predictions of any size, with 20 columns: 16 numbers, two categories, an id and a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY = "2026-03-02"
NUMBERS = 15
FILE_ROWS = 1_000_000
_START = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1_000_000)
_DAY_US = 86_400_000_000

SPEC = """
model: m
start: 2026-03-01
predictions:
  path: {root}/preds/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    country: {{type: category}}
    device: {{type: category}}
    score: {{type: float, role: score}}
{numbers}
reference: {{path: {root}/reference/}}
"""


def spec_text(root: str) -> str:
    """The spec of the days below `root`."""
    numbers = "\n".join(f"    x{number}: {{type: float}}" for number in range(NUMBERS))
    return SPEC.format(root=root, numbers=numbers)


def rows(first: int, count: int, start: int = _START) -> pa.Table:
    """Rows `first` to `first + count` of a day, which starts at `start` microseconds of the epoch."""
    random = np.random.default_rng(first)
    times = start + random.integers(0, _DAY_US, count)
    columns: dict[str, pa.Array] = {
        "id": pa.array([f"{start // _DAY_US:x}-{number:012x}" for number in range(first, first + count)]),
        "at": pa.array(times, pa.timestamp("us", "UTC")),
        "country": pa.array(np.array(["de", "pl", "fr", "it", "es"])[random.integers(0, 5, count)]),
        "device": pa.array(np.array([f"device {number}" for number in range(40)])[random.integers(0, 40, count)]),
        "score": pa.array(random.beta(2, 5, count)),
    }
    for number in range(NUMBERS):
        # as measured quantities are: a few digits
        columns[f"x{number}"] = pa.array(np.round(random.normal(number, 1 + number, count), 2))
    return pa.table(columns)


def write_day(folder: Path, total: int, *, file_rows: int = FILE_ROWS) -> list[Path]:
    """Write a day in files of a million rows, or of fewer."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, first in enumerate(range(0, total, file_rows)):
        files.append(folder / f"part-{number:04}.parquet")
        pq.write_table(rows(first, min(file_rows, total - first)), files[-1])
    return files


def write_reference(folder: Path) -> None:
    """Write a reference of a thousand rows on each of 14 days."""
    folder.mkdir(parents=True, exist_ok=True)
    for back in range(1, 15):
        pq.write_table(rows(0, 1000, _START - back * _DAY_US), folder / f"day-{back:02}.parquet")
