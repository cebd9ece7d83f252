"""Columns of logged values as Arrow arrays: at once where all values are of the type, else one by one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.capture.schema import LABEL, CapturedColumn
from airflow_mlmon.capture.values import Unkept, to_value

_ARROW: Mapping[str, pa.DataType] = {
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "category": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_NONE = type(None)
# types of Python whose values Arrow reads as we do; it would cut 1.5 to the integer 1, and take a naive time for UTC
_PLAIN: Mapping[str, frozenset[type]] = {
    "float": frozenset({float, int, bool, _NONE}),
    "integer": frozenset({int, _NONE}),
    "boolean": frozenset({bool, _NONE}),
    "string": frozenset({str, _NONE}),
    "category": frozenset({str, _NONE}),
}
_SINGLE, _DOUBLE = "f", "d"


class Vector(NamedTuple):
    """Vector as its bytes, of 32-bit (f) or 64-bit (d) floats."""

    code: str
    content: bytes


class ReadColumn(NamedTuple):
    """Values of a column, null where they are refused, and the number of those by reason."""

    values: pa.Array
    refused: Mapping[str, int]


def is_uniform(column: CapturedColumn) -> bool:
    """Return whether all arrays of a column have one type, whatever the values."""
    return column.type in _ARROW


def to_array(values: Sequence[Any], column: CapturedColumn, zone: tzinfo | None) -> ReadColumn:
    """Convert the values of a column.

    Args:
        values: plain values of Python, `Vector` or `Unkept`.
        column: the column.
        zone: time zone of times without one; None if such are refused.
    """
    if column.type == "vector":
        return _to_vectors(values)
    if column.type in _PLAIN and set(map(type, values)) <= _PLAIN[column.type]:
        try:
            return ReadColumn(pa.array(values, _ARROW[column.type]), {})
        except (ValueError, TypeError, OverflowError):
            # one of them is no value of the type: which one, and why, is found below
            pass
    refused: Counter[str] = Counter()
    found = [_kept(value, column, zone, refused) for value in values]
    if column.type == LABEL:
        return ReadColumn(_to_labels(found), refused)
    if column.type == "decimal":
        known = pa.array(found)
        return ReadColumn(known if known.null_count < len(known) else known.cast(pa.decimal128(1, 0)), refused)
    return ReadColumn(pa.array(found, _ARROW[column.type]), refused)


def _kept(value: Any, column: CapturedColumn, zone: tzinfo | None, refused: Counter[str]) -> Any:
    try:
        own = to_value(value, column, zone)
    except Exception:  # noqa: BLE001 - whatever a value does, the others are written
        own = Unkept("cannot be read")
    if isinstance(own, Unkept):
        refused[own.reason] += 1
        return None
    return own


def _to_labels(values: Sequence[Any]) -> pa.Array:
    """Return labels as they are where all are of one type, else their texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1 and kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if value is None else _to_word(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except (ValueError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _to_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _to_vectors(values: Sequence[Any]) -> ReadColumn:
    refused: Counter[str] = Counter()
    code = _DOUBLE if any(value.code == _DOUBLE for value in values if isinstance(value, Vector)) else _SINGLE
    contents, offsets, missing = [], [0], []
    for value in values:
        is_vector = isinstance(value, Vector)
        if is_vector:
            contents.append(_widened(value) if code == _DOUBLE else value.content)
        elif value is not None:
            refused[value.reason if isinstance(value, Unkept) else NOT_A_VECTOR] += 1
        offsets.append(offsets[-1] + (len(contents[-1]) // array(code).itemsize if is_vector else 0))
        missing.append(not is_vector)
    kind = pa.float64() if code == _DOUBLE else pa.float32()
    elements = pa.Array.from_buffers(kind, offsets[-1], [None, pa.py_buffer(b"".join(contents))])
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements, mask=pa.array(missing, pa.bool_()))
    return ReadColumn(lists, refused)


NOT_A_VECTOR = "is not a vector of numbers"


def _widened(vector: Vector) -> bytes:
    return vector.content if vector.code == _DOUBLE else array(_DOUBLE, array(_SINGLE, vector.content)).tobytes()
