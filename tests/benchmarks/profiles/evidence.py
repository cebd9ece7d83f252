"""What the evidence beside the columns costs: rows by hour, and columns derived of times, texts and ids."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.model import ModelSpec
from tests.benchmarks.profiles.data import make_table

# a long day, whose time counts, and a usual one, whose bytes count
ROWS = (1_000_000, 10_000)
_TURNS = 7
_COLUMNS = 20
_PINNED = 50_000
_MICROSECONDS = 86_400 * 10**6
_START = 1_767_225_600 * 10**6


def measure(folder: Path) -> dict[str, Any]:
    """Profile a day with and without the evidence in turns; the ratios of the median times and of the bytes."""
    found: dict[str, Any] = {}
    for rows in ROWS:
        path = _write(folder, rows)
        schema = _pin(path)
        plain = replace(schema, columns=tuple(column for column in schema.columns if column.derived is None))
        seconds: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(_TURNS):
            seconds["with"].append(_time(path, schema, Clock(column="at"))[0])
            seconds["without"].append(_time(path, plain, None)[0])
        medians = {name: statistics.median(taken) for name, taken in seconds.items()}
        sizes = {
            "with": len(_time(path, schema, Clock(column="at"))[1].to_bytes()),
            "without": len(_time(path, plain, None)[1].to_bytes()),
        }
        found[str(rows)] = {
            "seconds": medians,
            "bytes": sizes,
            "derived": len(schema.columns) - len(plain.columns),
            "time_ratio": medians["with"] / medians["without"],
            "bytes_ratio": sizes["with"] / sizes["without"],
        }
    return found


def _write(folder: Path, rows: int) -> Path:
    """The file of a day: the benchmark's columns with an id, the event time, and a time before it."""
    path = folder / f"day{rows}.parquet"
    if not path.exists():
        random = np.random.default_rng(rows)
        table = make_table(rows, _COLUMNS, random)
        at = _START + np.sort(random.integers(0, _MICROSECONDS, rows))
        before = at - random.integers(0, 1_000 * _MICROSECONDS, rows)
        table = table.append_column("row", pa.array([f"r{number:08d}" for number in range(rows)]))
        table = table.append_column("at", pa.array(at, pa.timestamp("us", "UTC")))
        table = table.append_column("opened", pa.array(before, pa.timestamp("us", "UTC")))
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
    return path


def _pin(path: Path) -> ProfileSchema:
    columns: dict[str, dict[str, str]] = {}
    table = next(pq.ParquetFile(path).iter_batches(_PINNED))
    for field in table.schema:
        is_float = pa.types.is_floating(field.type)
        is_level = field.name.startswith("s") and field.name != "score"
        columns[field.name] = {"type": "float" if is_float else "category" if is_level else "string"}
    columns |= {"row": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
    columns |= {"opened": {"type": "timestamp"}, "class": {"type": "boolean", "role": "prediction"}}
    columns["score"]["role"] = "score"
    spec = ModelSpec.model_validate(
        {
            "model": "bench",
            "start": date(2026, 1, 1),
            "predictions": {"path": "p/{date}", "columns": columns},
            "reference": {"path": "r"},
        }
    )
    return pin_schema(spec, pa.Table.from_batches([table]))


def _time(path: Path, schema: ProfileSchema, clock: Clock | None) -> tuple[float, Profile]:
    began = time.perf_counter()
    profile = profile_parquet([path], schema, clock=clock)
    return time.perf_counter() - began, profile
