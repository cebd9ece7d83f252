"""Days of any size with 20 columns and the labels that come a day later: 14 numbers, two categories, the outputs."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START = date(2026, 3, 1)
NUMBERS, CATEGORIES = 14, 2
FILE_ROWS = 1_000_000
_REFERENCE_DAYS = 59
# a large day beside a small reference has more rows than ever, and alerts
_MOST_REFERENCE_ROWS = 5_000

_SPEC = """
model: large
start: {start}
predictions:
  path: {root}/predictions/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    score: {{type: float, role: score}}
    flagged: {{type: boolean, role: prediction}}
{columns}
labels: {{path: "{root}/labels/dt={{date}}/", id: id, label: label, delay_days: {delay}}}
reference: {{path: "{root}/reference/", label: label}}
"""


def spec_text(root: Path | str, *, numbers: int = NUMBERS, delay: int = 7) -> str:
    """The spec of the days below `root`."""
    columns = [f"    x{number}: {{type: float}}" for number in range(numbers)]
    columns += [f"    c{number}: {{type: category}}" for number in range(CATEGORIES)]
    return _SPEC.format(root=root, start=START, columns="\n".join(columns), delay=delay)


def rows(day: date, first: int, count: int, *, numbers: int = NUMBERS) -> pa.Table:
    """Rows `first` to `first + count` of a day, with their labels."""
    random = np.random.default_rng([day.toordinal(), first])
    score = random.beta(2, 5, count)
    ids = pc.utf8_lpad(pa.array(np.arange(first, first + count)).cast(pa.string()), 12, "0")
    columns: dict[str, object] = {
        "id": pc.binary_join_element_wise(pa.scalar(str(day)), ids, "-"),
        "at": pa.array(np.datetime64(day, "us") + random.integers(0, 86_400_000_000, count)).cast(
            pa.timestamp("us", "UTC")
        ),
        "score": score,
        "flagged": score > 0.5,
    }
    for number in range(numbers):
        # as measured quantities are: a few digits, some missing
        drawn = np.round(random.normal(number, 1 + number, count), 2)
        columns[f"x{number}"] = pa.array(drawn, mask=random.random(count) < 0.02)
    for number in range(CATEGORIES):
        levels = np.array([f"level {level}" for level in range(8 + 20 * number)])
        columns[f"c{number}"] = pa.array(levels[random.integers(0, len(levels), count)])
    return pa.table(columns | {"label": random.random(count) < score})


def write_archive(root: Path, days: int, count: int, *, numbers: int = NUMBERS, label_delay: int = 1) -> str:
    """Write the first days of an archive and its reference, and return the text of its spec."""
    write_reference(root, min(count, _MOST_REFERENCE_ROWS), numbers=numbers)
    for number in range(days):
        write_day(root, START + timedelta(days=number), count, numbers=numbers, label_delay=label_delay)
    return spec_text(root, numbers=numbers)


def write_reference(root: Path, count: int, *, numbers: int = NUMBERS) -> None:
    """Write the reference: 59 days of as many rows."""
    (root / "reference").mkdir(parents=True)
    past = [rows(START - timedelta(days=back), 0, count, numbers=numbers) for back in range(_REFERENCE_DAYS, 0, -1)]
    pq.write_table(pa.concat_tables(past), root / "reference" / "part.parquet")


def write_day(root: Path, day: date, count: int, *, numbers: int = NUMBERS, label_delay: int = 1) -> list[Path]:
    """Write a day in files of a million rows, and its labels as of some days later; return the files of the rows."""
    predictions = root / "predictions" / f"dt={day}"
    labels = root / "labels" / f"dt={day + timedelta(days=label_delay)}"
    for folder in (predictions, labels):
        folder.mkdir(parents=True)
    files = []
    for number, first in enumerate(range(0, count, FILE_ROWS)):
        table = rows(day, first, min(FILE_ROWS, count - first), numbers=numbers)
        files.append(predictions / f"part-{number:04}.parquet")
        pq.write_table(table.drop_columns(["label"]), files[-1])
        pq.write_table(table.select(["id", "label"]), labels / f"part-{number:04}.parquet")
    return files
