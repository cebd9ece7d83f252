"""Rows of a made-up service, of 20 features, and the spec of its model."""

from __future__ import annotations

from typing import Any

import yaml

NUMBERS = 11
COUNTS = 4
CATEGORIES = 4


def spec_of(archive: str) -> str:
    """The spec of a model whose archive lies there: ids, times, a score, 20 features."""
    columns: dict[str, dict[str, str]] = {
        "id": {"type": "string", "role": "id"},
        "at": {"type": "timestamp", "role": "time"},
        "version": {"type": "category", "role": "version"},
        "score": {"type": "float", "role": "score"},
    }
    columns |= {f"number_{at}": {"type": "float"} for at in range(NUMBERS)}
    columns |= {f"count_{at}": {"type": "integer"} for at in range(COUNTS)}
    columns |= {f"category_{at}": {"type": "category"} for at in range(CATEGORIES)}
    columns["known"] = {"type": "boolean"}
    predictions = {"path": f"{archive}/dt={{date}}/", "columns": columns}
    return yaml.safe_dump({"model": "made_up", "start": "2026-01-01", "predictions": predictions}, sort_keys=False)


def features(number: int) -> dict[str, Any]:
    """The 20 features of a row."""
    row: dict[str, Any] = {f"number_{at}": number * 0.37 + at for at in range(NUMBERS)}
    row |= {f"count_{at}": (number * 7 + at) % 1000 for at in range(COUNTS)}
    row |= {f"category_{at}": f"value {(number + at) % 40}" for at in range(CATEGORIES)}
    row["known"] = number % 3 == 0
    return row
