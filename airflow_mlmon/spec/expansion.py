"""Columns that a spec declares in short, written out: attributions by a pattern, and those of `operational`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mlmon.spec.choices import ColumnType, Role

PLACEHOLDER = "{feature}"
_COLUMNS = ("predictions", "columns")
_LATENCIES = ("latency_ms", "latency_s")

Key = tuple[str | int, ...]


def expand_columns(content: dict[str, Any]) -> Iterator[tuple[Key, Key]]:
    """Write out the columns of a spec's content, in place, and yield the key of each with the key that it stands for.

    `"shap_{feature}"` becomes a column of each feature, and a column that `operational` names gets its role, or is
    added. What is malformed is left alone, for the validation to report.
    """
    predictions = content.get("predictions")
    columns = predictions.get("columns") if isinstance(predictions, dict) else None
    if not isinstance(columns, dict):
        return
    operational = content.get("operational")
    if isinstance(operational, dict):
        yield from _add_operational(columns, operational)
    features = [name for name, column in columns.items() if _is_feature(name, column)]
    for pattern in [name for name in columns if isinstance(name, str) and PLACEHOLDER in name]:
        found = columns.pop(pattern)
        for feature in features:
            name = pattern.replace(PLACEHOLDER, feature)
            # a column that is declared by itself stays as it is declared
            if name not in columns:
                columns[name] = {**found, "feature": feature} if isinstance(found, dict) else found
                yield (*_COLUMNS, name), (*_COLUMNS, pattern)


def _add_operational(columns: dict[str, Any], operational: Mapping[str, Any]) -> Iterator[tuple[Key, Key]]:
    listed = operational.get("saturation")
    saturation = listed if isinstance(listed, list) else []
    named = [(operational.get(key), ColumnType.FLOAT, key) for key in _LATENCIES]
    named += [(operational.get("status"), ColumnType.CATEGORY, "status")]
    named += [(name, ColumnType.FLOAT, "saturation") for name in saturation]
    for name, kind, key in named:
        if not isinstance(name, str):
            continue
        if name not in columns:
            columns[name] = {"type": kind.value, "role": Role.OPERATIONAL.value}
            yield (*_COLUMNS, name), ("operational", key)
        elif isinstance(columns[name], dict):
            columns[name] = {"role": Role.OPERATIONAL.value, **columns[name]}


def _is_feature(name: Any, column: Any) -> bool:
    if not isinstance(column, dict) or not isinstance(name, str) or PLACEHOLDER in name:
        return False
    return column.get("role", Role.FEATURE.value) == Role.FEATURE.value and not column.get("personal")
