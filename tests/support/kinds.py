"""Small archives of models of each kind: predictions and labels by day, and a reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec.model import ModelSpec
from tests.support.labelled import CLASSES, random_classes, random_numbers
from tests.support.ranked import random_groups

FIRST = date(2026, 3, 1)
SPEC = """\
model: {name}
task: {task}
start: 2026-03-01
predictions:
  path: {root}/predictions/{{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    amount: {{type: float}}
    channel: {{type: category}}
{outputs}
labels: {{path: "{root}/labels/{{date}}/", id: id, label: truth, delay_days: 2, min_coverage: 0.5}}
reference: {{path: "{root}/reference/", label: truth}}
segments: [channel]
history: {{days: 10, minimum: 5}}
{keys}
"""
OUTPUTS = {
    "regression": ("    prediction: {type: float, role: prediction}", ""),
    "multiclass": (
        """\
    prediction: {type: category, role: prediction}
    probability: {type: vector, dimension: 4, role: probability}""",
        f"classes: [{', '.join(CLASSES)}]",
    ),
    "ranking": (
        """\
    group: {type: string, role: group}
    score: {type: float, role: score}
    item: {type: category, role: item}""",
        "cutoff: 5",
    ),
}
DRAWN: dict[str, Callable[[int, int], pa.Table]] = {
    "regression": lambda rows, seed: random_numbers(rows, seed).select(["prediction", "label"]),
    "multiclass": lambda rows, seed: random_classes(rows, seed).select(["prediction", "probability", "label"]),
    "ranking": lambda rows, seed: random_groups(rows, seed).select(["group", "score", "item", "label"]),
}


def day_of_kind(task: str, day: date, rows: int) -> pa.Table:
    """One day of predictions with the labels that will come, by the name `truth`."""
    random = np.random.default_rng(day.toordinal())
    start = datetime.combine(day, time(), UTC)
    drawn = DRAWN[task](rows, day.toordinal())
    own = {
        "id": pa.array([f"{day}-{row:05d}" for row in range(rows)]),
        "at": pa.array(
            [start + timedelta(seconds=60 * row % 86_400) for row in range(rows)], pa.timestamp("us", "UTC")
        ),
        "amount": pa.array(random.lognormal(3, 1, rows)),
        "channel": pa.array(random.choice(["web", "branch", "phone"], rows, p=[0.6, 0.3, 0.1])),
    }
    if "group" in drawn.column_names:
        # the rows of a group are shown together
        numbers = [int(name.rpartition("-")[2]) for name in drawn["group"].to_pylist()]
        own["channel"] = pa.array([("web", "branch")[number % 2] for number in numbers])
    names = ["truth" if name == "label" else name for name in drawn.column_names]
    return pa.table({**own, **dict(zip(names, drawn.columns, strict=True))})


def write_kind(folder: Path, task: str, name: str, *, days: int, rows: int, reference_days: int = 8) -> ModelSpec:
    """Write the archive of a model of a kind, and return its spec; the labels of a day come on that day."""
    root = folder / "archive"
    before = [day_of_kind(task, FIRST - timedelta(days=back), rows) for back in range(reference_days, 0, -1)]
    _write(root / "reference" / "part.parquet", pa.concat_tables(before))
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        table = day_of_kind(task, day, rows)
        _write(root / "predictions" / str(day) / "part.parquet", table.drop_columns(["truth"]))
        _write(root / "labels" / str(day) / "part.parquet", table.select(["id", "truth"]))
    outputs, keys = OUTPUTS[task]
    text = SPEC.format(name=name, task=task, root=root, outputs=outputs, keys=keys)
    return parse_spec(text, f"{name}.yaml")


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
