"""Rows that a capture has logged, read back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def spec_of(root: Path, **columns: dict[str, Any]) -> dict[str, Any]:
    """The content of a spec whose archives lie in a folder, with further columns."""
    declared = {
        "id": {"type": "string", "role": "id"},
        "at": {"type": "timestamp", "role": "time"},
        "release": {"type": "category", "role": "version"},
        "amount": {"type": "float"},
        "age": {"type": "integer"},
        "country": {"type": "category"},
        "score": {"type": "float", "role": "score"},
        "flagged": {"type": "boolean", "role": "prediction"},
    }
    return {
        "model": "m",
        "predictions": {"path": f"{root}/preds/dt={{date}}/", "columns": declared | columns},
        "operational": {"latency_ms": "took", "status": "code"},
        "labels": {"path": f"{root}/labels/{{date}}/", "id": "key", "label": "fraud", "outcome": "why"},
    }


def rows_of(folder: Path, part: str = "preds") -> list[dict[str, Any]]:
    """The rows of the Parquet files in a folder, by file."""
    files = sorted((folder / part).rglob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
