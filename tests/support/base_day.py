"""The base day of the cases from the wild: 200 predictions of a simple model, and 14 days of the same as reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import PartitionState
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

FIRST = date(2026, 3, 1)
ROWS, REFERENCE_DAYS = 200, 14
SPEC = """\
model: m
start: 2026-03-01
predictions:
  path: {root}/preds/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    amount: {{type: float}}
    country: {{type: category}}
    score: {{type: float, role: score}}
    flagged: {{type: boolean, role: prediction}}
reference:
  path: {root}/reference/
"""
LABELS = """\
labels:
  path: {root}/labels/dt={{date}}/
  id: id
  label: fraud
  delay_days: 7
"""


def day_of(offset: int) -> date:
    """The day so many days after the first."""
    return FIRST + timedelta(days=offset)


def day_table(day: date, rows: int = ROWS) -> pa.Table:
    """The predictions of a day, the same at every call."""
    rng = np.random.default_rng(day.toordinal())
    start = datetime.combine(day, time(), UTC)
    score = rng.random(rows)
    return pa.table(
        {
            "id": [f"{day}-{n:05d}" for n in range(rows)],
            "at": pa.array([start + timedelta(seconds=400 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
            "amount": rng.lognormal(3, 1, rows),
            "country": rng.choice(["DE", "FR", "IT"], rows),
            "score": score,
            "flagged": score > 0.5,
        }
    )


def labels_of(table: pa.Table) -> pa.Table:
    """The labels of predictions, of which the model got all right."""
    return pa.table({"id": table.column("id"), "fraud": table.column("flagged")})


class BaseArchive:
    """Archive and spec of the model `m` in a folder; what a case changes is written by the case."""

    def __init__(self, folder: Path, *replacements: tuple[str, str], labels: str = "") -> None:
        self.folder = folder
        self.root = folder / "archive"
        text = (SPEC + labels).format(root=self.root)
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new.format(root=self.root))
        self.spec_text = text
        past = [day_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)]
        self.write("reference/part-0.parquet", pa.concat_tables(past))

    def write(self, name: str, content: pa.Table | bytes) -> Path:
        """Write a file below the archive; a table as Parquet."""
        write_file(f"{self.root}/{name}", content if isinstance(content, bytes) else to_bytes(content))
        return self.root / name

    def write_day(self, day: date, table: pa.Table | None = None, name: str = "part-0.parquet") -> Path:
        """Write the predictions of a day."""
        return self.write(f"preds/dt={day}/{name}", day_table(day) if table is None else table)

    def write_labels(self, day: date, table: pa.Table, name: str = "l.parquet") -> Path:
        """Write labels to the folder of a day."""
        return self.write(f"labels/dt={day}/{name}", table)

    @contextmanager
    def opened(self, *replacements: tuple[str, str], **given: Any) -> Iterator[Run]:
        """The run of the model; store and workspace are in the folder."""
        text = self.spec_text
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        with MetricStore(f"sqlite:///{self.folder / 'store.db'}") as store:
            workspace = str(self.folder / "workspace")
            yield Run(
                spec=parse_spec(text, "m.yaml"),
                **{"storage": Storage(), "store": store, "workspace": workspace} | given,
            )


def run_day(run: Run, day: date) -> PartitionState:
    """Run a day up to its verdicts, and return its record."""
    partition = run.partition(day)
    evaluate_day(run, partition)
    state = run.store.state(partition)
    assert state is not None
    return state


def metric_of(run: Run, day: date, metric: str) -> float | None:
    """The value of a metric of all rows of a day; None where it has none."""
    return run.store.metrics(run.model, day, day).get((day, metric, None))
