"""Captures of a small model, and what they leave in the archive."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from airflow_mlmon.capture import Capture
from airflow_mlmon.capture.marks import METADATA_KEY, LostRows, Marks, read_lost, read_marks
from tests.support.processes import PATIENCE_S

# 2026-03-01, 00:00 UTC
MIDNIGHT = 1_772_323_200


def small_spec(file_format: str = "parquet") -> dict[str, Any]:
    """The spec of a model with one feature."""
    columns = {
        "id": {"type": "string", "role": "id"},
        "at": {"type": "timestamp", "role": "time"},
        "amount": {"type": "float"},
        "score": {"type": "float", "role": "score"},
    }
    predictions = {"path": "/archive/dt={date}/", "format": file_format, "columns": columns}
    return {"model": "fraud", "start": "2026-01-01", "predictions": predictions}


def open_capture(folder: Path, destination: str | Path | None = None, **limits: Any) -> Capture:
    """A capture into `archive` of the folder, its spool beside it."""
    limits = {"spool": folder / "spool", "flush_seconds": 0.05, "close_seconds": PATIENCE_S} | limits
    return Capture(small_spec(limits.pop("file_format", "parquet")), destination or folder / "archive", **limits)


def log_rows(capture: Capture, rows: int, at: float | None = None) -> list[str]:
    """Log so many rows; their ids."""
    return [capture.log({"amount": float(number)}, 0.5, at=at) for number in range(rows)]


class Archived(NamedTuple):
    """What lies in an archive: the ids of its rows, the marks of its files, and what sidecars say without rows."""

    ids: list[str]
    marks: list[Marks]
    ends: list[Marks]
    lost: list[LostRows]

    @property
    def dropped(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for marks in [*self.marks, *self.ends]:
            total.update(marks.dropped)
        for lost in self.lost:
            total.update(lost.dropped)
        return total


def read_archive(folder: Path) -> Archived:
    """Read an archive of Parquet or JSON Lines."""
    found = Archived([], [], [], [])
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found.ids.extend(table.column("id").to_pylist())
            found.marks.append(read_marks(table.schema.metadata[METADATA_KEY]))
        elif path.suffix == ".jsonl":
            found.ids.extend(json.loads(line)["id"] for line in path.read_text().splitlines())
        elif path.name.startswith("closed-"):
            found.ends.append(read_marks(path.read_bytes()))
        elif path.name.startswith("lost-"):
            found.lost.append(read_lost(path.read_bytes()))
        elif path.suffix == ".json":
            found.marks.append(read_marks(path.read_bytes()))
    return found
