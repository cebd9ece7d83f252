"""A small archive of a regression: how long deliveries take, with an interval and quantiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from tests.support.archive import FIRST
from tests.support.own_archive import OwnArchive, opened_archive

MODEL = "durations"
SPEC = """\
model: durations
start: 2026-03-01
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    version: {{type: category, role: version}}
    distance: {{type: float}}
    courier: {{type: category}}
    minutes: {{type: float, role: prediction}}
    shortest: {{type: float, role: lower}}
    longest: {{type: float, role: upper}}
    median: {{type: float, role: quantile, quantile: 0.5}}
    ninth: {{type: float, role: quantile, quantile: 0.9}}
labels: {{path: "{root}/labels/dt={{date}}/", id: id, label: took, delay_days: 1, min_coverage: 0.5}}
reference: {{path: "{root}/reference/", label: took}}
history: {{days: 10, minimum: 5}}
"""
REFERENCE_DAYS = 12
SD = 6.0


def duration_table(day: date, rows: int = 400, *, bias: float = 0.0, version: str = "v1") -> pa.Table:
    """One day of predictions with their labels; those of one courier are twice as far off."""
    random = np.random.default_rng(day.toordinal())
    distance = random.gamma(4, 2, rows)
    courier = random.choice(["bike", "car", "drone"], rows, p=[0.5, 0.3, 0.2])
    minutes = 10 + 4 * distance
    took = minutes + SD * random.normal(0, 1, rows) * np.where(courier == "drone", 2, 1)
    minutes += bias
    start = datetime.combine(day, time(), UTC)
    return pa.table(
        {
            "id": [f"{day}-{n:05d}" for n in range(rows)],
            "at": pa.array([start + timedelta(seconds=60 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
            "version": [version if n % 2 else "v1" for n in range(rows)],
            "distance": distance,
            "courier": courier,
            "minutes": minutes,
            "shortest": minutes - 1.645 * SD,
            "longest": minutes + 1.645 * SD,
            "median": minutes,
            "ninth": minutes + 1.282 * SD,
            "took": pa.array(took, mask=np.arange(rows) % 20 == 0),
        }
    )


def duration_archive(root: Path) -> OwnArchive:
    """Return the archive in a folder."""
    return OwnArchive(
        root=root, spec=SPEC, table=duration_table, label="took", first=FIRST, reference_days=REFERENCE_DAYS
    )


def duration_day(offset: int) -> Partition:
    """The partition of the day that lies so many days after the first."""
    return Partition.of_day(MODEL, FIRST + timedelta(days=offset))


@contextmanager
def opened_durations(folder: Path, *replacements: tuple[str, str]) -> Iterator[Run]:
    """The run of the archive in a folder."""
    with opened_archive(folder, MODEL, duration_archive(folder / "archive").spec_text(*replacements)) as run:
        yield run
