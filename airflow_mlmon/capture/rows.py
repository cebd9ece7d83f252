"""Rows on their way from the service to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.capture.schema import CaptureSchema

_ARROW = {
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "category": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


class LoggedRow(NamedTuple):
    """What a service logged of one prediction, not yet looked at.

    `time` is in seconds since 1970, UTC.
    """

    sequence: int
    time: float
    id: str
    version: str | None
    features: Mapping[str, Any]
    outputs: Any


class CapturedPart(NamedTuple):
    """Rows of one folder, below the root of the archive, as their file will hold them."""

    folder: str
    table: pa.Table


class CapturedRows(NamedTuple):
    """Rows by folder; the rows that are lost, by reason; and the values that are null instead, by column and reason."""

    parts: list[CapturedPart]
    lost: Mapping[str, int]
    refused: Mapping[str, int]


def to_parts(rows: Sequence[LoggedRow], schema: CaptureSchema, folder: Callable[[datetime], str]) -> CapturedRows:
    """Convert rows to the tables of their folders."""
    days: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        at = datetime.fromtimestamp(row.time, timezone.utc)
        days.setdefault(folder(at), []).append(_values(row, at, schema))
    types = pa.schema([(name, _ARROW[column.type]) for name, column in schema.columns.items()])
    parts = [CapturedPart(day, pa.Table.from_pylist(values, types)) for day, values in sorted(days.items())]
    return CapturedRows(parts, {}, {})


def _values(row: LoggedRow, at: datetime, schema: CaptureSchema) -> dict[str, Any]:
    values = dict(row.features)
    outputs = [name for name, column in schema.columns.items() if column.role in {"score", "prediction"}]
    values.update(row.outputs if isinstance(row.outputs, Mapping) else dict.fromkeys(outputs[:1], row.outputs))
    values.update(dict.fromkeys(schema.with_role("id"), row.id))
    values.update(dict.fromkeys(schema.with_role("time"), at))
    values.update(dict.fromkeys(schema.with_role("version"), row.version))
    return values
