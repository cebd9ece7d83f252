"""Columns that a spec declares in short, written out: those named by a placeholder, and those of `operational`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mlmon.spec.choices import ColumnType, Role

_CLASS, _FEATURE = "{class}", "{feature}"
_FEATURES = (Role.FEATURE.value, Role.TEXT.value)
_COLUMNS = ("predictions", "columns")

_Key = tuple[str | int, ...]


def expand_columns(content: dict[str, Any]) -> dict[_Key, _Key]:
    """Write out the columns of a spec's content, in place, and return the key that each new one stands for.

    `proba_{class}` stands for one column per class of the key `classes`, in that order, and `shap_{feature}` for one
    per feature that is not declared by itself. A predicted class that is a boolean is read by the texts of two
    `classes`. A column that `operational` names gets its role, or is added. What
    cannot be expanded stays as it is, and is found to be wrong by the validation.

    >>> spec = {"classes": ["a", "b"], "predictions": {"columns": {"p_{class}": {"type": "float"}}}}
    >>> sources = expand_columns(spec)
    >>> spec["predictions"]["columns"]
    {'p_a': {'type': 'float'}, 'p_b': {'type': 'float'}}
    """
    predictions = content.get("predictions")
    columns = predictions.get("columns") if isinstance(predictions, dict) else None
    if not isinstance(predictions, dict) or not isinstance(columns, dict):
        return {}
    sources: dict[_Key, _Key] = {}
    declared = _with_operational(columns, content.get("operational"), sources)
    classes = [str(one) for one in found] if isinstance(found := content.get("classes"), list) else []
    expanded: dict[Any, Any] = {}
    for name, column in declared.items():
        found = dict(_expanded(name, column, classes, declared))
        expanded |= {one: _with_texts(own, classes) for one, own in found.items()}
        sources |= {(*_COLUMNS, one): (*_COLUMNS, name) for one in found if one != name}
    predictions["columns"] = expanded
    return sources


def _with_operational(columns: Mapping[Any, Any], operational: Any, sources: dict[_Key, _Key]) -> dict[Any, Any]:
    """Return the columns with those of the section `operational`, each with its role."""
    section = operational if isinstance(operational, dict) else {}
    saturation = section.get("saturation")
    named = [(section.get(key), ColumnType.FLOAT, key) for key in ("latency_ms", "latency_s")]
    named += [(section.get("status"), ColumnType.CATEGORY, "status")]
    named += [(name, ColumnType.FLOAT, "saturation") for name in (saturation if isinstance(saturation, list) else ())]
    found = dict(columns)
    for name, kind, key in named:
        if isinstance(name, str) and name not in found:
            found[name] = {"type": kind.value, "role": Role.OPERATIONAL.value}
            sources[*_COLUMNS, name] = ("operational", key)
        elif isinstance(name, str) and isinstance(found[name], dict):
            found[name] = {"role": Role.OPERATIONAL.value, **found[name]}
    return found


def _expanded(name: Any, column: Any, classes: list[str], declared: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the columns that a name stands for."""
    if isinstance(name, str) and _CLASS in name and classes:
        yield from ((name.replace(_CLASS, one), column) for one in classes)
    elif isinstance(name, str) and _FEATURE in name and isinstance(column, dict):
        for feature in declared:
            own = name.replace(_FEATURE, str(feature))
            if _is_feature(feature, declared[feature]) and own not in declared:
                yield own, {**column, "feature": feature}
    else:
        yield name, column


def _with_texts(column: Any, classes: list[str]) -> Any:
    """Return a column with the two texts by which it is read, if it is a predicted class that is true or false."""
    wanted = {"type": ColumnType.BOOLEAN.value, "role": Role.PREDICTION.value}
    if len(classes) != len((False, True)) or not isinstance(column, dict) or not column.items() >= wanted.items():
        return column
    return {"classes": classes, **column}


def _is_feature(name: Any, column: Any) -> bool:
    if not isinstance(column, dict) or not isinstance(name, str) or _FEATURE in name:
        return False
    return column.get("role", Role.FEATURE.value) in _FEATURES and not column.get("personal")
