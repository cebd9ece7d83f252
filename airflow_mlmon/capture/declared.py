"""Reading of a model's spec, without the monitoring that validates it: what capture needs of it, in every spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from airflow_mlmon.capture.schema import LABEL, CapturedColumn, CaptureError, CaptureSchema

_CLASS, _FEATURE = "{class}", "{feature}"
_BETWEEN = "expect_column_values_to_be_between"
_KNOWN = frozenset(CapturedColumn.__dataclass_fields__) - {"name"}


def read_schema(spec: str | Path | Mapping[str, Any], path: str | None = None) -> CaptureSchema:
    """Read the schema of a spec: its file, or its content.

    Relative paths are relative to the folder of the file. Keys that capture does not need are passed over.

    Args:
        spec: the spec.
        path: one of `predictions.path`, where it names several; or another path with placeholders in its place.

    Raises:
        CaptureError: the spec lacks what capture needs, or asks for what capture cannot write.
    """
    if isinstance(spec, Mapping):
        return _read_content(spec, None, path)
    file = Path(spec)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise CaptureError(f"{file}: cannot be read as a spec: {error}") from error
    try:
        return _read_content(content, file.absolute().parent, path)
    except CaptureError as error:
        raise CaptureError(f"{file}: {error}") from error


def _read_content(content: Any, folder: Path | None, path: str | None) -> CaptureSchema:
    predictions = _section(content, "predictions")
    if predictions is None or not isinstance(content.get("model"), str):
        raise CaptureError("not the spec of a model: it has no `model` and `predictions`")
    if log := predictions.get("log"):
        raise CaptureError(f"predictions.log: the files are those of {log}; capture writes a row a record. Remove it")
    columns = {name: _read_column(name, column) for name, column in _expand(content, predictions).items()}
    operational = _section(content, "operational") or {}
    success, failure = _statuses(operational)
    day_zone = content.get("day_zone") or "UTC"
    own_path = path or _one_path(predictions.get("path"), folder)
    schema = CaptureSchema(
        model=content["model"],
        path=own_path,
        format=_format(predictions, "predictions"),
        columns=columns,
        path_zone=predictions.get("path_zone") or ("UTC" if "{hour}" in own_path else day_zone),
        timezone=predictions.get("timezone"),
        latency_ms=operational.get("latency_ms"),
        latency_s=operational.get("latency_s"),
        status=operational.get("status"),
        success=success,
        failure=failure,
        ranges=dict(_ranges(content.get("quality"), columns)),
        labels=_read_labels(content, columns, folder, day_zone),
    )
    if not schema.with_role("id") or not schema.with_role("time"):
        raise CaptureError("predictions.columns: a column with `role: id` and one with `role: time` are needed")
    return schema


def _section(content: Any, key: str) -> dict[str, Any] | None:
    found = content.get(key) if isinstance(content, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else None


def _read_column(name: Any, declared: Any) -> CapturedColumn:
    if not isinstance(name, str) or not isinstance(declared, Mapping) or "type" not in declared:
        raise CaptureError(f"predictions.columns.{name}: write {{type: …}}, such as {{type: float}}")
    known = {key: value for key, value in declared.items() if key in _KNOWN and value is not None}
    if "classes" in known:
        known["classes"] = tuple(map(str, known["classes"]))
    return CapturedColumn(name=name, **known)


def _expand(content: Mapping[str, Any], predictions: Mapping[str, Any]) -> dict[Any, Any]:
    """Write out the columns that are declared in short: of classes, of features, and of `operational`."""
    columns = predictions.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise CaptureError("predictions.columns: is missing")
    declared = _with_operational(columns, _section(content, "operational") or {})
    found = content.get("classes")
    classes = [str(one) for one in found] if isinstance(found, list) else []
    return {
        own: _with_texts(column, classes)
        for name, short in declared.items()
        for own, column in _written_out(name, short, classes, declared)
    }


def _with_operational(columns: Mapping[Any, Any], operational: Mapping[str, Any]) -> dict[Any, Any]:
    saturation = operational.get("saturation")
    named = [(operational.get(key), "float") for key in ("latency_ms", "latency_s")]
    named += [(operational.get("status"), "category")]
    named += [(name, "float") for name in (saturation if isinstance(saturation, list) else ())]
    found = dict(columns)
    for name, kind in named:
        if isinstance(name, str):
            own = found.get(name, {"type": kind})
            found[name] = {"role": "operational", **own} if isinstance(own, Mapping) else own
    return found


def _written_out(name: Any, column: Any, classes: list[str], declared: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    if isinstance(name, str) and _CLASS in name and classes:
        yield from ((name.replace(_CLASS, one), column) for one in classes)
    elif isinstance(name, str) and _FEATURE in name and isinstance(column, Mapping):
        for feature, own in declared.items():
            pattern = name.replace(_FEATURE, str(feature))
            if _is_feature(feature, own) and pattern not in declared:
                yield pattern, {**column, "feature": feature}
    else:
        yield name, column


def _is_feature(name: Any, column: Any) -> bool:
    if not isinstance(column, Mapping) or not isinstance(name, str) or _FEATURE in name:
        return False
    return column.get("role", "feature") in ("feature", "text") and not column.get("personal")


def _with_texts(column: Any, classes: list[str]) -> Any:
    """Return a column with the texts by which it is read, if it is a predicted class that is true or false."""
    both = isinstance(column, Mapping) and column.get("type") == "boolean" and column.get("role") == "prediction"
    return {"classes": classes, **column} if both and len(classes) == len((False, True)) else column


def _format(section: Mapping[str, Any], key: str) -> str:
    found = section.get("format") or "parquet"
    if found not in ("parquet", "jsonl"):
        raise CaptureError(f"{key}.format: capture writes parquet or jsonl, not {found}")
    return str(found)


def _one_path(paths: Any, folder: Path | None) -> str:
    found = [paths] if isinstance(paths, str) else paths
    if not isinstance(found, list | tuple) or not found or not all(isinstance(one, str) for one in found):
        raise CaptureError("predictions.path: is missing")
    if len(found) > 1:
        raise CaptureError(
            f"predictions.path: names {len(found)} paths; give capture the one to write to, with its placeholders"
        )
    return _absolute(found[0], folder)


def _absolute(path: str, folder: Path | None) -> str:
    return path if folder is None or "://" in path else str(folder / path) + ("/" if path.endswith("/") else "")


def _statuses(operational: Mapping[str, Any]) -> tuple[str, str]:
    """Return the statuses of an answered and of a failed request, in the words of the spec."""
    errors = operational.get("errors") or ["5xx"]
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in errors]
    codes = [text for text in texts if text[:1].isdigit()]
    if codes:
        return "200", codes[0].lower().replace("xx", "00")
    return "ok", texts[0]


def _ranges(
    quality: Any, columns: Mapping[str, CapturedColumn]
) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    """Yield the ranges of numbers that the checks of the spec expect."""
    for check in quality if isinstance(quality, list) else ():
        if isinstance(check, Mapping) and check.get("expectation") == _BETWEEN and check.get("column") in columns:
            arguments = check.get("arguments") or {}
            low, high = arguments.get("min_value"), arguments.get("max_value")
            if all(bound is None or isinstance(bound, int | float) for bound in (low, high)):
                yield check["column"], (low, high)


def _read_labels(
    content: Mapping[str, Any], columns: Mapping[str, CapturedColumn], folder: Path | None, day_zone: str
) -> CaptureSchema | None:
    """Read where labels are delivered; None where nothing can be delivered to."""
    labels = _section(content, "labels")
    if labels is None or not isinstance(labels.get("path"), str) or labels.get("log"):
        return None
    if labels.get("format") not in (None, "parquet", "jsonl"):
        return None
    found: dict[str, CapturedColumn] = {}
    for name, own in _keys(labels.get("id"), columns).items():
        column = columns[name]
        role = "id" if column.role == "id" else "ignored"
        found[own] = CapturedColumn(
            name=own, type=column.type, role=role, personal=column.personal, unit=column.unit, classes=column.classes
        )
    found[labels["label"]] = CapturedColumn(name=labels["label"], type=LABEL, role="label")
    if outcome := labels.get("outcome"):
        found[outcome] = CapturedColumn(name=outcome, type="category", role="outcome")
    if watermark := labels.get("watermark"):
        found[watermark] = CapturedColumn(name=watermark, type="timestamp", role="time")
    path = _absolute(labels["path"], folder)
    return CaptureSchema(
        model=content["model"],
        path=path,
        format=_format(labels, "labels"),
        columns=found,
        path_zone="UTC" if "{hour}" in path else day_zone,
        timezone=content["predictions"].get("timezone"),
    )


def _keys(declared: Any, columns: Mapping[str, CapturedColumn]) -> dict[str, str]:
    """Return the columns that labels are joined on: those of the labels, by those of the predictions."""
    if isinstance(declared, str):
        own = next((name for name, column in columns.items() if column.role == "id"), declared)
        return {own: declared}
    keys = dict(declared) if isinstance(declared, Mapping) else {name: name for name in declared or ()}
    if unknown := [name for name in keys if name not in columns]:
        raise CaptureError(f"labels.id: {unknown[0]!r} is no column of the predictions")
    return keys
