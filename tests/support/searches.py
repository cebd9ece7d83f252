"""A small archive of a ranking: results of searches with clicks, the rows of a search in two files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from tests.support.archive import FIRST, to_bytes
from tests.support.own_archive import opened_archive
from tests.support.runs import write_file

MODEL = "searches"
CUTOFF, SIZE = 5, 8
SPEC = """\
model: searches
start: 2026-03-01
cutoff: 5
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    version: {{type: category, role: version}}
    query: {{type: string, role: group}}
    document: {{type: string, role: item}}
    device: {{type: category}}
    shelf: {{type: category}}
    length: {{type: float}}
    score: {{type: float, role: score}}
labels: {{path: "{root}/labels/dt={{date}}/", id: id, label: clicks, delay_days: 1, min_coverage: 0.5}}
reference: {{path: "{root}/reference/", label: clicks}}
history: {{days: 10, minimum: 5}}
segments: [device]
"""
REFERENCE_DAYS = 12


def search_table(day: date, groups: int = 80, *, noise: float = 0.0, version: str = "v1") -> pa.Table:
    """One day of results with their clicks; `noise` on the score spoils the order."""
    random = np.random.default_rng(day.toordinal())
    rows = groups * SIZE
    appeal = random.normal(size=rows)
    start = datetime.combine(day, time(), UTC)
    return pa.table(
        {
            "id": [f"{day}-{n:05d}" for n in range(rows)],
            "at": pa.array([start + timedelta(seconds=20 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
            "version": [version if n // SIZE % 2 else "v1" for n in range(rows)],
            "query": [f"q{n // SIZE}" for n in range(rows)],
            "document": [f"d{n}" for n in random.integers(0, 60, rows)],
            "device": [("phone", "desk")[n // SIZE % 2] for n in range(rows)],
            "shelf": random.choice(["new", "old"], rows),
            "length": random.gamma(2, 3, rows),
            "score": appeal + noise * random.normal(size=rows),
            "clicks": pa.array((appeal + random.normal(size=rows) > 1).astype(int), mask=np.arange(rows) % 25 == 0),
        }
    )


class SearchArchive:
    """Writes the archive into a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write_reference(self) -> None:
        past = pa.concat_tables([search_table(FIRST - timedelta(days=n)) for n in range(REFERENCE_DAYS, 0, -1)])
        self._write("reference", past)

    def write_day(self, offset: int, **changes: Any) -> None:
        """Write a day and, on the next, its labels."""
        day = FIRST + timedelta(days=offset)
        table = search_table(day, **changes)
        self._write(f"predictions/dt={day}", table.drop_columns(["clicks"]))
        self._write(f"labels/dt={day + timedelta(days=1)}", table.select(["id", "clicks"]))

    def _write(self, folder: str, table: pa.Table) -> None:
        """Write two files, each with every other row, so that they share the groups."""
        is_even = pa.array(np.arange(table.num_rows) % 2 == 0)
        for name, mask in (("even", is_even), ("odd", pc.invert(is_even))):
            write_file(f"{self.root}/{folder}/{name}.parquet", to_bytes(table.filter(mask)))


def search_day(offset: int) -> Partition:
    """The partition of the day that lies so many days after the first."""
    return Partition.of_day(MODEL, FIRST + timedelta(days=offset))


@contextmanager
def opened_searches(folder: Path, *replacements: tuple[str, str]) -> Iterator[Run]:
    """The run of the archive in a folder."""
    text = SPEC.format(root=folder / "archive")
    for old, new in replacements:
        text = text.replace(old, new)
    with opened_archive(folder, MODEL, text) as run:
        yield run
