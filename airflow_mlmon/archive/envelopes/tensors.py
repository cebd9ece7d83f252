"""Tensors of the Open Inference protocol (V2), as JSON, as JSON of protobuf, or raw."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

_RAW = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_BYTES = "BYTES"
_LENGTH = 4


class Tensor(NamedTuple):
    """Tensor by row: the values of each, flat."""

    name: str
    rows: list[list[Any]]


def are_tensors(value: Any) -> bool:
    """Return whether a value is a list of tensors, not of records."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "datatype" in one for one in value)


def read_tensors(tensors: Sequence[Mapping[str, Any]], raw: Sequence[str] | None) -> Iterator[Tensor]:
    """Read tensors; the values of all of them may be in `raw`, in base64.

    Raises:
        ValueError: a shape and its values differ, or the datatype is unknown.
    """
    for position, tensor in enumerate(tensors):
        shape = [int(length) for length in tensor["shape"]]
        values = _read_values(tensor, raw[position] if raw else None)
        if len(values) != math.prod(shape) or not values:
            raise ValueError(f"tensor {tensor['name']} of shape {shape} has {len(values)} values")
        width = math.prod(shape[1:])
        yield Tensor(tensor["name"], [values[n * width : (n + 1) * width] for n in range(shape[0] if shape else 1)])


def flatten(values: Sequence[Any]) -> list[Any]:
    """Return the values of lists within lists.

    >>> flatten([1, [2, [3]]])
    [1, 2, 3]
    """
    flat: list[Any] = []
    for value in values:
        flat += flatten(value) if isinstance(value, list) else [value]
    return flat


def read_raw(data: bytes, datatype: str) -> list[Any]:
    """Read the raw contents of a tensor: booleans, and all else as texts.

    Raises:
        ValueError: they are not of the datatype, or it is unknown.
    """
    if datatype == _BYTES:
        return list(_read_bytes(data))
    if datatype not in _RAW:
        raise ValueError(f"datatype {datatype} is unknown")
    values = np.frombuffer(data, _RAW[datatype])
    return list(values.tolist() if datatype == "BOOL" else values.astype(str).tolist())


def _read_values(tensor: Mapping[str, Any], raw: str | None) -> list[Any]:
    datatype = tensor["datatype"]
    if raw is not None:
        return read_raw(base64.b64decode(raw, validate=True), datatype)
    if "contents" in tensor:
        # protobuf names the list by the type, and has bytes in base64
        values = flatten([value for value in tensor["contents"].values() if isinstance(value, list)])
        return [_unpack(value) for value in values] if datatype == _BYTES else values
    values = flatten(tensor["data"])
    if datatype == _BYTES and (tensor.get("parameters") or {}).get("content_type") == "base64":
        return [_unpack(value) for value in values]
    return values


def _read_bytes(data: bytes) -> Iterator[str]:
    """Read texts that each follow their length."""
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "little")
        if end > len(data):
            raise ValueError("a text ends after the tensor")
        yield data[at + _LENGTH : end].decode()
        at = end


def _unpack(value: str) -> str:
    return base64.b64decode(value, validate=True).decode()
