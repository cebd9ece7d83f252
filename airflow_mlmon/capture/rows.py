"""Rows on their way from the service to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
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
    """Rows of one day, as the file will hold them, and the reasons for which others are lost."""

    day: date
    table: pa.Table


def to_parts(rows: Sequence[LoggedRow], schema: CaptureSchema) -> list[CapturedPart]:
    """Convert rows to the tables of their days."""
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        at = datetime.fromtimestamp(row.time, timezone.utc)
        days.setdefault(at.date(), []).append(_values(row, at, schema))
    types = pa.schema([(name, _ARROW[column.type]) for name, column in schema.columns.items()])
    return [CapturedPart(day, pa.Table.from_pylist(values, types)) for day, values in sorted(days.items())]


def _values(row: LoggedRow, at: datetime, schema: CaptureSchema) -> dict[str, Any]:
    values = dict(row.features)
    outputs = [name for name, column in schema.columns.items() if column.role in {"score", "prediction"}]
    values.update(row.outputs if isinstance(row.outputs, Mapping) else dict.fromkeys(outputs[:1], row.outputs))
    values.update(dict.fromkeys(schema.with_role("id"), row.id))
    values.update(dict.fromkeys(schema.with_role("time"), at))
    values.update(dict.fromkeys(schema.with_role("version"), row.version))
    return values
