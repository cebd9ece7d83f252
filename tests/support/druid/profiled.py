"""Rows of every kind that Druid serves, and the same rows as the local engine sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.flags import add_flag_dimensions, add_flags
from airflow_mlmon.druid.ingestion import build_predictions_datasource
from airflow_mlmon.druid.tables import select_columns
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.spec.model import ModelSpec
from tests.support.druid.bucket import Bucket, load_rows

HOSTILE = "a\"b'c.d <b>é😀;--"
FIRST = date(2013, 3, 8)
_TYPES = {
    "spread": "float",
    "few": "float",
    "wild": "float",
    "far": "float",
    "coarse": "float",
    HOSTILE: "float",
    "small": "integer",
    "wide": "integer",
    "huge": "integer",
    "price": "decimal",
    "seen": "timestamp",
    "flag": "boolean",
    "kind": "category",
    "town": "string",
    "session": "string",
    "nothing": "float",
}
LONG_VERSION = "v" * 201


def day(model: str, offset: int = 0) -> Partition:
    """A day of the model's own."""
    return Partition.of_day(model, FIRST + timedelta(days=offset))


def spec_of(model: str, *, segments: tuple[str | list[str], ...] = (), without: str = "", **more: Any) -> ModelSpec:
    """A model with a column of every kind, whose names and values are hostile."""
    columns: dict[str, Any] = {name: {"type": kind} for name, kind in _TYPES.items() if name != without}
    columns |= {"id": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
    columns |= {"version": {"type": "string", "role": "version"}, **more}
    return ModelSpec.model_validate(
        {
            "model": model,
            "start": FIRST,
            "predictions": {"path": "predictions/{date}", "columns": columns},
            "reference": {"path": "reference"},
            "segments": segments,
        }
    )


def types_of(spec: ModelSpec) -> dict[str, ColumnType]:
    """The declared type of each column."""
    return {name: column.type for name, column in spec.columns.items()}


def rows_of(partition: Partition, rows: int, *, seed: int = 7, versions: tuple[str | None, ...] = ("1",)) -> pa.Table:
    """Rows with nulls, NaN, infinities, atoms, values far off, and text of every kind."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(50, 10, rows)
    wild = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0.0, 0.25, 1e300, -1e300, 5e-324], rows)
    huge = rng.integers(-3, 4, rows) + rng.choice([2**53, -(2**53), 2**62, 0], rows)
    towns = ["", "Zürich", "é😀", "\uffff", "\U0001f600", "a\"b'c", "<b>", "\u2028", "x" * 300, None]
    names = np.array([*towns, *(f"town {at}" for at in range(1_500))], dtype=object)
    moments = np.sort(rng.integers(0, 86_400_000, rows))
    midnight = datetime.combine(partition.day, datetime.min.time(), UTC)
    return pa.table(
        {
            "id": [f"{partition.key}-{at}" for at in range(rows)],
            "at": pa.array([midnight + timedelta(milliseconds=int(at)) for at in moments], pa.timestamp("us", "UTC")),
            "version": pa.array(rng.choice(np.array(versions, dtype=object), rows), pa.string()),
            "spread": _holed(rng, np.where(rng.random(rows) < 0.1, 50.0, normal)),
            "few": _holed(rng, np.round(normal / 5) / 4),
            "wild": _holed(rng, np.where(rng.random(rows) < 0.5, wild, normal)),
            "far": _holed(rng, np.where(rng.random(rows) < 0.01, normal * 1e9, normal - 50)),
            "coarse": _holed(rng, 1e6 + rng.normal(0, 1e-3, rows)),
            HOSTILE: _holed(rng, normal.astype(np.float32)),
            "small": _holed(rng, rng.poisson(300, rows)),
            "wide": _holed(rng, rng.integers(-(10**6), 10**6, rows)),
            "huge": _holed(rng, huge),
            "price": _holed(rng, np.round(normal, 2), lambda value: Decimal(f"{value:.2f}"), pa.decimal128(20, 2)),
            "seen": pa.array([midnight + timedelta(microseconds=int(at) * 777) for at in moments]),
            "flag": _holed(rng, rng.random(rows) < 0.3),
            "kind": pa.array(rng.choice(np.array(["a", "b", "c & d", None], dtype=object), rows), pa.string()),
            "town": pa.array(rng.choice(names, rows), pa.string()),
            "session": pa.array([f"é{at}-{seed}" if at % 7 else None for at in range(rows)]),
            "nothing": pa.nulls(rows, pa.float64()),
        }
    )


def load(client: DruidClient, bucket: Bucket, spec: ModelSpec, partition: Partition, rows: pa.Table) -> None:
    """Load the rows as the step of Druid does, and see them served."""
    datasource = build_predictions_datasource(spec)
    flagged = add_flags(select_columns(rows, datasource))
    load_rows(client, bucket, add_flag_dimensions(datasource, flagged.names), flagged.rows, partition=partition)


def _holed(
    rng: np.random.Generator, values: Any, change: Any = lambda value: value, kind: pa.DataType | None = None
) -> pa.Array:
    """The values, one in fifty of them null."""
    holes = rng.random(len(values)) < 0.02
    return pa.array([None if hole else change(value) for value, hole in zip(values.tolist(), holes, strict=True)], kind)
