"""Framing of stored bytes: a header of kind, version, length and checksum, then plain little-endian values.

    4 bytes   kind, such as MLMP
    2 bytes   version of the format
    4 bytes   CRC-32 of the body
    8 bytes   length of the body

Nothing is compressed, so that equal profiles are equal bytes whatever compression library is installed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.values.kernels import kernels

_HEADER = struct.Struct("<4sHIQ")
_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<d")
_ARRAY = struct.Struct("<BI")
_DTYPES = tuple(np.dtype(code) for code in ("<u1", "<u2", "<u4", "<u8", "<i4", "<i8", "<f8", "<f4"))
_UNSIGNED = _DTYPES[:4]


class ByteWriter:
    """Writer of the values of a body, in order."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def integer(self, value: int) -> None:
        """Write an integer of any size."""
        self.blob(value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True))

    def number(self, value: float | None) -> None:
        """Write a double, or its absence."""
        self._parts.append(b"\0" if value is None else b"\1" + _NUMBER.pack(value))

    def integers(self, values: Sequence[int]) -> None:
        """Write integers of any size, each in as many bytes as the largest needs."""
        width = max((value.bit_length() + 8) // 8 for value in values)
        self.integer(width)
        self.blob(b"".join(value.to_bytes(width, "little", signed=True) for value in values))

    def numbers(self, values: Sequence[float]) -> None:
        """Write doubles; in half the bytes if all are representable as single floats."""
        doubles = np.array(values)
        with np.errstate(over="ignore"):
            is_single = np.array_equal(doubles.astype(np.float32).astype(np.float64), doubles)
        self.array(doubles, "<f4" if is_single else "<f8")

    def text(self, value: str) -> None:
        """Write a text."""
        self.blob(value.encode())

    def blob(self, value: bytes) -> None:
        """Write bytes with their length."""
        self._parts.append(_LENGTH.pack(len(value)) + value)

    def counts(self, values: npt.NDArray[np.int64]) -> None:
        """Write non-negative integers in the narrowest type that holds them."""
        largest = int(values.max()) if values.size else 0
        self.array(values, next(dtype for dtype in _UNSIGNED if largest <= np.iinfo(dtype).max))

    def array(self, values: npt.NDArray[Any], dtype: npt.DTypeLike) -> None:
        """Write an array as `dtype`."""
        stored = np.dtype(dtype).newbyteorder("<")
        self._parts.append(_ARRAY.pack(_DTYPES.index(stored), len(values)))
        self._parts.append(values.astype(stored).tobytes())

    def seal(self, kind: bytes, version: int) -> bytes:
        """Return the body behind its header."""
        body = b"".join(self._parts)
        return _HEADER.pack(kind, version, zlib.crc32(body), len(body)) + body


class ByteReader:
    """Reader of the values of a body, in the order in which they were written."""

    def __init__(self, data: bytes, kind: bytes, newest: int) -> None:
        """Check the header.

        Args:
            data: Stored bytes.
            kind: Expected kind.
            newest: Newest readable version of the format; older ones are readable, too.

        Raises:
            StateError: the bytes are of another kind, of a later version, or damaged.
        """
        if len(data) < _HEADER.size or data[: len(kind)] != kind:
            raise StateError(f"The stored bytes are not a {kind.decode()} object.", length=len(data))
        _, found, checksum, length = _HEADER.unpack_from(data)
        if not 1 <= found <= newest:
            readable = "1" if newest == 1 else f"1 to {newest}"
            raise StateError(
                f"The stored {kind.decode()} object has format {found}; this release reads {readable}.",
                hint="upgrade airflow-mlmon",
                format=found,
            )
        body = memoryview(data)[_HEADER.size :]
        if len(body) != length or zlib.crc32(body) != checksum:
            raise StateError(
                f"The stored {kind.decode()} object is damaged: {len(body)} bytes, {length} expected"
                f"{'' if len(body) != length else ', checksum differs'}.",
                hint="rebuild it from its curated partition",
            )
        self.version = found
        self._data = data
        self._at = _HEADER.size

    def integer(self) -> int:
        """Read the next integer."""
        start = self._at + _LENGTH.size
        self._at = start + _LENGTH.unpack_from(self._data, self._at)[0]
        return int.from_bytes(self._data[start : self._at], "little", signed=True)

    def values(self, kinds: str) -> list[Any]:
        """Read values in turn: `i` an integer, `n` a double or None, `b` bytes; a year has some hundred thousand."""
        if not kernels:
            read = {"i": self.integer, "n": self.number, "b": self.blob}
            return [read[kind]() for kind in kinds]
        found: list[Any]
        found, self._at = kernels.read_values(self._data, self._at, kinds)
        return found

    def number(self) -> float | None:
        """Read the next double, or None."""
        present = self._data[self._at]
        self._at += 1
        if not present:
            return None
        (value,) = _NUMBER.unpack_from(self._data, self._at)
        self._at += 8
        return float(value)

    def integers(self) -> tuple[int, ...]:
        """Read integers that were written together."""
        width, data = self.integer(), self.blob()
        return tuple(int.from_bytes(data[at : at + width], "little", signed=True) for at in range(0, len(data), width))

    def numbers(self) -> tuple[float, ...]:
        """Read the next doubles."""
        return tuple(self.array(np.float64).tolist())

    def text(self) -> str:
        """Read the next text."""
        return self.blob().decode()

    def blob(self) -> bytes:
        """Read the next bytes."""
        (length,) = _LENGTH.unpack_from(self._data, self._at)
        start = self._at + _LENGTH.size
        self._at = start + length
        return self._data[start : self._at]

    def skip_empty(self, arrays: int) -> bool:
        """Skip the next arrays if the first one is empty, as all of them then are; return whether it is."""
        if _ARRAY.unpack_from(self._data, self._at)[1]:
            return False
        self._at += arrays * _ARRAY.size
        return True

    def steps(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Read the next integer, an array of the steps that follow it, and an array of counts: keys, and counts."""
        if not kernels:
            first, steps, counts = self.integer(), self.array(np.int32), self.array(np.int64)
            keys = np.empty(len(counts), dtype=np.int32)
            keys[:1] = first
            keys[1:] = steps
            return np.add.accumulate(keys, out=keys), counts
        held, counted, self._at = kernels.read_steps(self._data, self._at)
        return np.frombuffer(held, np.int32), np.frombuffer(counted, np.int64)

    def array(self, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Read the next array, as `dtype`."""
        code, length = _ARRAY.unpack_from(self._data, self._at)
        stored = _DTYPES[code]
        start = self._at + _ARRAY.size
        self._at = start + length * stored.itemsize
        if not length:
            return np.empty(0, dtype=dtype)
        return np.frombuffer(self._data, stored, length, start).astype(dtype)
