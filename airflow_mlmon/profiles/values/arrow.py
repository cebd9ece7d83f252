"""Conversion between Arrow and numpy without `pyarrow.array` and `to_numpy`, which import pandas if it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Rows = TypeVar("_Rows", pa.Table, pa.ChunkedArray)


def to_number_array(values: npt.NDArray[np.number]) -> pa.Array:
    """Convert numbers to an Arrow array, without a copy if they are contiguous.

    >>> to_number_array(np.array([1.5, 2.0])).to_pylist()
    [1.5, 2.0]
    """
    held = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(held.dtype), len(held), [None, pa.py_buffer(held)])


def to_flag_array(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Convert flags to an Arrow array of booleans.

    >>> to_flag_array(np.array([True, False])).to_pylist()
    [True, False]
    """
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))])


def to_text_array(values: Sequence[str], kind: pa.DataType | None = None) -> pa.Array:
    """Convert texts to an Arrow array of strings, or of large strings if `kind` says so.

    >>> to_text_array(["a", "", "Zürich"]).to_pylist()
    ['a', '', 'Zürich']
    """
    kind = kind or pa.string()
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64 if pa.types.is_large_string(kind) else np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    return pa.Array.from_buffers(kind, len(encoded), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))])


def to_numpy(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """Convert an array of numbers or booleans without nulls, without a copy if it is one chunk.

    >>> to_numpy(pa.chunked_array([[1, 2], [3]])).tolist()
    [1, 2, 3]
    """
    if pa.types.is_boolean(values.type):
        return to_numpy(values.cast(pa.uint8())).astype(np.bool_)
    if isinstance(values, pa.ChunkedArray):
        parts = [np.from_dlpack(chunk) for chunk in values.chunks if len(chunk)]
        if not parts:
            return np.zeros(0, dtype=values.type.to_pandas_dtype())
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.from_dlpack(values) if len(values) else np.zeros(0, dtype=values.type.to_pandas_dtype())


def take_rows(values: _Rows, places: npt.NDArray[np.integer]) -> _Rows:
    """Take the rows at some places, without a copy where these follow each other.

    >>> take_rows(pa.chunked_array([[1, 2], [3]]), np.array([1, 2])).to_pylist()
    [2, 3]
    """
    if len(places) and np.all(places[1:] - places[:-1] == 1):
        return values.slice(int(places[0]), len(places))
    return values.take(to_number_array(places))


def to_offsets(texts: pa.Array) -> npt.NDArray[np.integer]:
    """Return the bounds of the texts among their bytes."""
    is_large = pa.types.is_large_string(texts.type) or pa.types.is_large_binary(texts.type)
    dtype = np.dtype(np.int64 if is_large else np.int32)
    return np.frombuffer(texts.buffers()[1], dtype, len(texts) + 1, texts.offset * dtype.itemsize)


def to_bytes(texts: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of the texts, without a copy.

    >>> bytes(to_bytes(to_text_array(["a", "", "bc"]).slice(1)))
    b'bc'
    """
    content = texts.buffers()[2]
    if not len(texts) or content is None:
        return np.zeros(0, dtype=np.uint8)
    offsets = to_offsets(texts)
    return np.frombuffer(content, np.uint8, int(offsets[-1] - offsets[0]), int(offsets[0]))


def is_ascii(texts: pa.Array) -> bool:
    """Return whether all characters of texts without nulls are in ASCII.

    >>> is_ascii(to_text_array(["a", "Zürich"])), is_ascii(to_text_array(["a"]))
    (False, True)
    """
    # as signed numbers, the other bytes are negative
    return int(to_bytes(texts).view(np.int8).min(initial=0)) == 0
