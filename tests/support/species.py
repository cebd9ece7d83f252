"""A small archive of a classifier of several classes: which animal a trap has photographed, with probabilities."""

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

MODEL = "species"
CLASSES = ("badger", "deer", "fox")
SPEC = """\
model: species
start: 2026-03-01
classes: [badger, deer, fox]
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    version: {{type: category, role: version}}
    light: {{type: float}}
    site: {{type: category}}
    predicted: {{type: category, role: prediction}}
    "p_{{class}}": {{type: float, role: probability}}
labels: {{path: "{root}/labels/dt={{date}}/", id: id, label: seen, delay_days: 1, min_coverage: 0.5}}
reference: {{path: "{root}/reference/", label: seen}}
history: {{days: 10, minimum: 5}}
"""
REFERENCE_DAYS = 12


def species_table(day: date, rows: int = 400, *, lost: str | None = None, version: str = "v1") -> pa.Table:
    """One day of predictions with their labels; at one site they are guessed, and `lost` is taken for another class."""
    random = np.random.default_rng(day.toordinal())
    site = random.choice(["field", "river", "wood"], rows, p=[0.5, 0.3, 0.2])
    truth = random.choice(3, rows, p=[0.2, 0.5, 0.3])
    evidence = random.normal(0, 1, (rows, 3)) + 2.2 * np.eye(3)[truth] * (site != "river")[:, None]
    if lost is not None:
        is_lost = truth == CLASSES.index(lost)
        evidence[is_lost] = np.roll(evidence[is_lost], 1, axis=1)
    weights = np.exp(evidence) * [0.2, 0.5, 0.3]
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    start = datetime.combine(day, time(), UTC)
    names = np.array(CLASSES)
    return pa.table(
        {
            "id": [f"{day}-{n:05d}" for n in range(rows)],
            "at": pa.array([start + timedelta(seconds=60 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
            "version": [version if n % 2 else "v1" for n in range(rows)],
            "light": random.gamma(2, 1, rows),
            "site": site,
            "predicted": names[probabilities.argmax(axis=1)],
            **{f"p_{name}": probabilities[:, place] for place, name in enumerate(CLASSES)},
            "seen": pa.array(names[truth], mask=np.arange(rows) % 20 == 0),
        }
    )


def species_archive(root: Path) -> OwnArchive:
    """Return the archive in a folder."""
    return OwnArchive(
        root=root, spec=SPEC, table=species_table, label="seen", first=FIRST, reference_days=REFERENCE_DAYS
    )


def species_day(offset: int) -> Partition:
    """The partition of the day that lies so many days after the first."""
    return Partition.of_day(MODEL, FIRST + timedelta(days=offset))


@contextmanager
def opened_species(folder: Path, *replacements: tuple[str, str]) -> Iterator[Run]:
    """The run of the archive in a folder."""
    with opened_archive(folder, MODEL, species_archive(folder / "archive").spec_text(*replacements)) as run:
        yield run
