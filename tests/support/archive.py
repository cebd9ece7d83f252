"""A small archive of a model: predictions by day, labels by day of delivery, and a reference."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.partition import Partition

SPEC = """\
model: loans
description: Will the loan be repaid?
start: 2026-03-01
predictions:
  path: {root}/predictions/dt={{date}}/
  ready: _SUCCESS
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    version: {{type: category, role: version}}
    amount: {{type: float}}
    term: {{type: integer, required: true}}
    channel: {{type: category}}
    email: {{type: string, personal: drop}}
    score: {{type: float, role: score}}
    approved: {{type: boolean, role: prediction}}
labels:
  path: {root}/labels/dt={{date}}/
  id: id
  label: repaid
  outcome: outcome
  excluded: [withdrawn]
  positive_name: repaid
  delay_days: 2
  min_coverage: 0.5
reference:
  path: {root}/reference/
  label: repaid
  outcome: outcome
history: {{days: 10, minimum: 5}}
alerts:
  rules:
    - {{metric: score_mean, history: {{deviations: 5, floor: 0.02}}}}
    - {{metric: null_rate, max: 0.3}}
    - {{metric: positive_rate, history: {{deviations: 5, floor: 0.05}}}}
"""

# where nothing is said of Evidently's report of the first or an alerting day: to import it takes seconds
WITHOUT_EVIDENTLY = ("\nhistory:", "\nevidently: none\nhistory:")
FIRST = date(2026, 3, 1)
REFERENCE_DAYS = 12


def day_table(day: date, rows: int = 80, *, shift: float = 0.0) -> pa.Table:
    """One day of predictions with the labels that will come, the same at every call."""
    rng = np.random.default_rng(day.toordinal())
    score = np.clip(rng.beta(2, 3, rows) + shift, 0.01, 0.99)
    seconds = np.sort(rng.integers(0, 86_400, rows))
    start = datetime.combine(day, time(), UTC)
    amount = rng.lognormal(8, 1, rows)
    return pa.table(
        {
            "id": [f"{day}-{n:05d}" for n in range(rows)],
            "at": pa.array([start + timedelta(seconds=int(s)) for s in seconds], pa.timestamp("us", "UTC")),
            "version": ["v1"] * rows,
            "amount": pa.array(amount, mask=rng.random(rows) < 0.05),
            "term": rng.choice([12, 24, 36], rows),
            "channel": rng.choice(["web", "branch", "phone"], rows, p=[0.6, 0.3, 0.1]),
            "email": [f"person{n}@example.com" for n in range(rows)],
            "score": score,
            "approved": score > 0.5,
            "repaid": pa.array(rng.random(rows) < score, mask=np.arange(rows) % 20 == 0),
            "outcome": ["withdrawn" if n % 20 == 0 else "known" for n in range(rows)],
        }
    )


def partition(offset: int) -> Partition:
    """The partition of the day that lies so many days after the first."""
    return Partition.of_day("loans", FIRST + timedelta(days=offset))


def replace_columns(table: pa.Table, **columns: Any) -> pa.Table:
    """The table with other values in some of its columns."""
    for name, values in columns.items():
        own = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        table = table.set_column(table.column_names.index(name), name, own)
    return table


def to_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file with page checksums."""
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()


LABELS = ("repaid", "outcome")


class Archive:
    """Writes an archive through `write(uri, bytes)`; `root` is a folder or s3://bucket/prefix."""

    def __init__(self, root: str, write: Callable[[str, bytes], None]) -> None:
        self.root = root
        self.write = write

    def write_all(self, days: int, **changes: Any) -> None:
        """The reference before FIRST, `days` days of predictions from FIRST on, and their labels."""
        self.write_reference()
        for offset in range(days):
            self.write_day(FIRST + timedelta(days=offset), **changes)

    def write_reference(self, *, rows: int = 80) -> None:
        past = [day_table(FIRST - timedelta(days=n), rows) for n in range(REFERENCE_DAYS, 0, -1)]
        self.write(f"{self.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))

    def write_day(self, day: date, *, rows: int = 80, shift: float = 0.0) -> None:
        table = day_table(day, rows, shift=shift)
        self.write_predictions(day, table)
        # three of four labels come the next day, the others the day after
        late = np.arange(table.num_rows) % 4 == 0
        for days, mask in ((1, ~late), (2, late)):
            labels = table.filter(pa.array(mask)).select(["id", *LABELS])
            self.write(self.labels_uri(day + timedelta(days=days), f"of-{day}"), to_bytes(labels))

    def write_predictions(self, day: date, table: pa.Table, *, files: int = 2) -> None:
        predictions = table.drop_columns([name for name in LABELS if name in table.column_names])
        size = -(-predictions.num_rows // files)
        for number in range(files):
            part = predictions.slice(number * size, size)
            self.write(self.predictions_uri(day, f"part-{number}.parquet"), to_bytes(part))
        self.write(self.predictions_uri(day, "_SUCCESS"), b"")

    def predictions_uri(self, day: date, name: str) -> str:
        return f"{self.root}/predictions/dt={day}/{name}"

    def labels_uri(self, delivered: date, name: str) -> str:
        return f"{self.root}/labels/dt={delivered}/{name}.parquet"

    def spec_text(self, *replacements: tuple[str, str], extra: Iterable[str] = ()) -> str:
        """The spec of the archive, with pieces of its text replaced and lines added."""
        text = SPEC.format(root=self.root)
        for old, new in replacements:
            if old not in text:
                raise ValueError(f"the spec has no {old!r}")
            text = text.replace(old, new)
        return text + "".join(f"{line}\n" for line in extra)
