"""Messages of the Open Inference protocol (V2) in protobuf, which is what Seldon Core 2 leaves in its topics.

`ModelInferRequest` and `ModelInferResponse` have the same fields up to the tensors, which are number 5 in both, so that
neither says which of the two it is; raw contents are number 7 of a request, and number 6 of a response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from airflow_mlmon.archive.envelopes.tensors import read_raw

_TENSORS, _RAW_OUTPUTS, _RAW_INPUTS = 5, 6, 7
_NAME, _DATATYPE, _SHAPE, _PARAMETERS, _CONTENTS = 1, 2, 3, 4, 5
_KEY, _VALUE, _TEXT = 1, 2, 3
_VARINT, _EIGHT_BYTES, _MANY_BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIRST_BYTES: Final = b'\n\x12\x1a"*2:'
_BITS_OF_NUMBER, _MORE, _LARGEST_SHIFT = 0x7F, 0x80, 63
_SIGNED_FROM, _BEYOND = 1 << 63, 1 << 64

_Field = tuple[int, int, Any]


def read_message(data: bytes) -> dict[str, Any] | None:
    """Return a message as the JSON of the protocol, with the values of each tensor as texts; None if it is none."""
    if not data or data[0] not in _FIRST_BYTES:
        return None
    try:
        return _read(data)
    except (ValueError, LookupError, TypeError):
        return None


def _read(data: bytes) -> dict[str, Any] | None:
    fields = list(_fields(data))
    tensors = [_read_tensor(value) for number, _, value in fields if number == _TENSORS]
    if not tensors:
        return None
    if not any("data" in tensor for tensor in tensors):
        raw = _collect(fields, _RAW_INPUTS) or _collect(fields, _RAW_OUTPUTS)
        for tensor, values in zip(tensors, raw, strict=True):
            tensor["data"] = read_raw(values, tensor["datatype"])
    return {"outputs": tensors}


def _read_tensor(data: bytes) -> dict[str, Any]:
    fields = list(_fields(data))
    tensor: dict[str, Any] = {
        "name": _collect(fields, _NAME)[0].decode(),
        "datatype": _collect(fields, _DATATYPE)[0].decode(),
        "shape": _integers(fields, _SHAPE),
        "parameters": dict(_read_parameter(value) for value in _collect(fields, _PARAMETERS)),
    }
    contents = _collect(fields, _CONTENTS)
    if contents:
        tensor["data"] = [value for number, *own in _fields(contents[0]) for value in _LISTS[number](*own)]
    return tensor


def _read_parameter(data: bytes) -> tuple[str, str | None]:
    """Return the name of a parameter, and its value if it is a text."""
    fields = list(_fields(data))
    texts = _collect(list(_fields(b"".join(_collect(fields, _VALUE)))), _TEXT)
    return _collect(fields, _KEY)[0].decode(), texts[0].decode() if texts else None


def _fields(data: bytes) -> Iterator[_Field]:
    """Yield number, wire type and value of each field.

    Raises:
        ValueError: the bytes are no message.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == _MANY_BYTES:
            length, at = _varint(data, at)
        else:
            length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[kind]
        if not number or at + length > len(data):
            raise ValueError("a field ends after the message")
        yield number, kind, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift <= _LARGEST_SHIFT:
        byte = data[at]
        value |= (byte & _BITS_OF_NUMBER) << shift
        at += 1
        if not byte & _MORE:
            return value, at
        shift += 7
    raise ValueError("a number of more than 64 bits")


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _collect(fields: list[_Field], number: int) -> list[bytes]:
    """Return what a field of bytes has.

    Raises:
        ValueError: it is no field of bytes.
    """
    found = [value for own, _, value in fields if own == number]
    if any(not isinstance(value, bytes) for value in found):
        raise ValueError("a number where bytes are expected")
    return found


def _integers(fields: list[_Field], number: int) -> list[int]:
    return [value for own, kind, found in fields if own == number for value in _signed(kind, found)]


def _unsigned(kind: int, value: Any) -> list[int]:
    """Return the values of a list of integers, packed or one by one."""
    return [value] if kind == _VARINT else list(_varints(value))


def _signed(kind: int, value: Any) -> list[int]:
    return [own - _BEYOND if own >= _SIGNED_FROM else own for own in _unsigned(kind, value)]


def _texts_of(integers: Callable[[int, Any], list[int]]) -> Callable[[int, Any], list[str]]:
    return lambda kind, value: [str(own) for own in integers(kind, value)]


def _texts_of_floats(dtype: str) -> Callable[[int, Any], list[str]]:
    return lambda _, value: np.frombuffer(value, dtype).astype(str).tolist()


def _text(kind: int, value: Any) -> list[str]:
    if kind != _MANY_BYTES:
        raise ValueError("a number where a text is expected")
    return [value.decode()]


# contents by their number: the list of each kind of value
_LISTS: dict[int, Callable[[int, Any], list[Any]]] = {
    1: lambda kind, value: [bool(own) for own in _unsigned(kind, value)],
    2: _texts_of(_signed),
    3: _texts_of(_signed),
    4: _texts_of(_unsigned),
    5: _texts_of(_unsigned),
    6: _texts_of_floats("<f4"),
    7: _texts_of_floats("<f8"),
    8: _text,
}
