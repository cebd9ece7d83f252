"""Expansion of column names with a placeholder, such as `proba_{class}`, to one column each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_CLASS = "{class}"


def expand_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec's content with each column named by a placeholder in the place of its columns.

    `proba_{class}` stands for one column per class of the key `classes`, in that order. What cannot be expanded stays
    as it is, and is found to be wrong by the validation.

    >>> spec = {"classes": ["a", "b"], "predictions": {"columns": {"p_{class}": {"type": "float"}}}}
    >>> expand_columns(spec)["predictions"]["columns"]
    {'p_a': {'type': 'float'}, 'p_b': {'type': 'float'}}
    """
    predictions = data.get("predictions")
    classes = data.get("classes")
    if not isinstance(predictions, dict) or not isinstance(classes, list):
        return dict(data)
    columns = predictions.get("columns")
    if not isinstance(columns, dict):
        return dict(data)
    return {**data, "predictions": {**predictions, "columns": dict(_expanded(columns, [str(one) for one in classes]))}}


def _expanded(columns: Mapping[Any, Any], classes: list[str]) -> Iterator[tuple[Any, Any]]:
    for name, content in columns.items():
        if isinstance(name, str) and _CLASS in name:
            yield from ((name.replace(_CLASS, one), content) for one in classes)
        else:
            yield name, content
