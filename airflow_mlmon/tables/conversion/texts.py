"""Conversion of values to texts, and the check of their bytes, which Arrow does not make."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.tables.conversion.converted import (
    Converted,
    Request,
    UnreadableTypeError,
    is_binary_type,
    is_text_type,
)
from airflow_mlmon.tables.conversion.numbers import NOT_WHOLE, drop_scale, refuse_fractions
from airflow_mlmon.tables.lines import is_utf8

NOT_UTF8 = "is not UTF-8 text"
HAS_NUL = "has a NUL character"
_INEXACT = "is a float too large to be an exact code"
# from there on a float of that type no longer tells two codes apart
_EXACT = {pa.float16(): 2.0**11, pa.float32(): 2.0**24, pa.float64(): 2.0**53}
_ASCII = 0x7F
_UUID_BYTES = 16
_HYPHENS = (8, 13, 18, 23)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def convert_to_text(values: pa.ChunkedArray, _: Request) -> Converted:
    """Convert texts, bytes that are texts, codes and identifiers; 5411.0, as pandas writes beside a null, is "5411"."""
    kind = values.type
    if pa.types.is_floating(kind):
        return _from_floats(values)
    if pa.types.is_decimal(kind):
        return _from_decimals(values)
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width == _UUID_BYTES:
        return Converted(pa.chunked_array([_spell_uuids(chunk) for chunk in values.chunks], pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return Converted(values.cast(pa.string()))
    if not (is_text_type(kind) or is_binary_type(kind)):
        raise UnreadableTypeError
    return check_texts(values)


def check_texts(values: pa.ChunkedArray) -> Converted:
    """Read texts or bytes as text, without those that are not UTF-8 or have a NUL character."""
    if values.type != pa.string():
        # bytes first: the cast of texts of another type may verify nothing, or refuse all
        values = values.cast(pa.binary()).cast(pa.string(), safe=False)
    ends = [_byte_range(chunk) for chunk in values.chunks]
    found = Converted(values)
    if any(high > _ASCII for _, high in ends) and not _is_valid(values):
        found = found.refuse(_mark_invalid(values), NOT_UTF8)
    if any(low == 0 for low, _ in ends):
        found = found.refuse(pc.match_substring(found.values.cast(pa.binary()), b"\0"), HAS_NUL)
    return found


def _byte_range(texts: pa.Array) -> tuple[int, int]:
    """Return the lowest and the highest byte of the texts."""
    _, ends, content = texts.buffers()
    if ends is None or content is None or not len(texts):
        return 1, 1
    offsets = np.frombuffer(ends, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    used = np.frombuffer(content, dtype=np.uint8)[offsets[0] : offsets[-1]]
    return (int(used.min()), int(used.max())) if len(used) else (1, 1)


def _is_valid(texts: pa.ChunkedArray) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _mark_invalid(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    values = texts.cast(pa.binary())
    distinct = pc.unique(values).drop_null()
    invalid = [value for value in distinct.to_pylist() if not is_utf8(value)]
    return pc.is_in(values, value_set=pa.array(invalid, pa.binary()))


def _from_floats(values: pa.ChunkedArray) -> Converted:
    limit = _EXACT[values.type]
    numbers = values.cast(pa.float64())
    found = Converted(pc.if_else(pc.is_nan(numbers), None, numbers))
    found = found.refuse(pc.or_(pc.is_inf(numbers), pc.not_equal(numbers, pc.floor(numbers))), NOT_WHOLE)
    found = found.refuse(pc.greater(pc.abs(numbers), limit), _INEXACT)
    return found.apply(lambda whole: whole.cast(pa.int64()).cast(pa.string()))


def _from_decimals(values: pa.ChunkedArray) -> Converted:
    return refuse_fractions(values).apply(lambda whole: drop_scale(whole).cast(pa.string()))


def _spell_uuids(identifiers: pa.Array) -> pa.Array:
    """Spell 16 bytes each as 550e8400-e29b-41d4-a716-446655440000."""
    rows = len(identifiers)
    content = np.frombuffer(identifiers.buffers()[1], dtype=np.uint8)
    start = identifiers.offset * _UUID_BYTES
    raw = content[start : start + rows * _UUID_BYTES].reshape(rows, _UUID_BYTES)
    width = 2 * _UUID_BYTES + len(_HYPHENS)
    spelt = np.full((rows, width), ord("-"), dtype=np.uint8)
    digits = [place for place in range(width) if place not in _HYPHENS]
    spelt[:, digits[0::2]] = _HEX[raw >> 4]
    spelt[:, digits[1::2]] = _HEX[raw & 15]
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    texts = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(spelt))
    return pc.if_else(identifiers.is_valid(), texts, None)
