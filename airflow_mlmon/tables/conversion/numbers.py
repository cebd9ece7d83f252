"""Conversion of values to floats, integers, decimals and vectors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.tables.contents import is_vector
from airflow_mlmon.tables.conversion.converted import (
    Converted,
    Request,
    UnreadableTypeError,
    cast_all,
    is_text_type,
    try_cast,
)

NOT_WHOLE = "is not a whole number"
NOT_A_NUMBER = "is not a number"
TOO_LARGE = "is beyond 64 bits"
_DECIMAL = "is not a number of plain digits"
_LONG = "has more digits than a decimal"

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^(?i:[+-]?(nan|inf|infinity))$"
_WHOLE = r"^[+-]?[0-9]+(\.0*)?$"
_DIGITS = r"^[+-]?[0-9]+(\.[0-9]+)?$"
_INEXACT = "is a float of more than 15 digits, and a decimal is exact"
_EXACT_DIGITS = 15
_LONGEST_DECIMAL128 = 38
_LONGEST_DECIMAL256 = 76
_WHOLE_DOUBLES = 2**53
_NARROW = {pa.float16(), pa.float32(), pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.null()}


def convert_to_float(values: pa.ChunkedArray, _: Request) -> Converted:
    """Convert numbers, and texts of numbers, to doubles."""
    if is_text_type(values.type):
        plain = cast_all(values, pa.float64())
        # of NaN Arrow reads other forms too
        if plain is not None and not pc.any(pc.is_nan(plain), min_count=0).as_py():
            return Converted(plain)
        found = _check_form(values, _NUMBER, NOT_A_NUMBER)
        return found.then(lambda texts: try_cast(_without_plus(texts), pa.float64(), NOT_A_NUMBER))
    if pa.types.is_decimal(values.type):
        # through text, because Arrow's own cast does not always give the nearest double
        values = values.cast(pa.string())
    elif not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise UnreadableTypeError
    return Converted(values if values.type == pa.float64() else values.cast(pa.float64(), safe=False))


def convert_to_integer(values: pa.ChunkedArray, _: Request) -> Converted:
    """Convert whole numbers of any type, and texts of them, to 64-bit integers; NaN is null, as pandas writes it."""
    if is_text_type(values.type):
        if (plain := cast_all(values, pa.int64())) is not None and not _has_hexadecimal(values):
            return Converted(plain)
        found = _check_form(values, _WHOLE, NOT_WHOLE).apply(_to_plain_whole)
        return found.then(lambda texts: try_cast(texts, pa.int64(), TOO_LARGE))
    if pa.types.is_floating(values.type):
        return _from_whole_floats(values)
    if pa.types.is_decimal(values.type):
        return _from_whole_decimals(values)
    if not pa.types.is_integer(values.type):
        raise UnreadableTypeError
    found = Converted(values)
    if pa.types.is_uint64(values.type):
        found = found.refuse(pc.greater(values, pa.scalar(2**63 - 1, pa.uint64())), TOO_LARGE)
    return found if found.values.type == pa.int64() else found.apply(lambda whole: whole.cast(pa.int64()))


def convert_to_decimal(values: pa.ChunkedArray, request: Request) -> Converted:
    """Convert integers, whole floats and texts of plain digits to decimals that keep every digit."""
    if is_text_type(values.type):
        return _check_form(values, _DIGITS, _DECIMAL).then(_parse_decimals)
    if not pa.types.is_decimal(values.type):
        if pa.types.is_floating(values.type):
            return _from_floats(values, request)
        if not pa.types.is_integer(values.type):
            raise UnreadableTypeError
        return Converted(_to_shortest_decimal(values))
    # Parquet has no scale below 0
    digits, scale = values.type.precision - min(values.type.scale, 0), max(values.type.scale, 0)
    return Converted(values.cast(_decimal(digits, scale)))


def convert_to_vector(values: pa.ChunkedArray, _: Request) -> Converted:
    """Convert lists of numbers to vectors of 32-bit floats if these hold their type, else of doubles."""
    if not is_vector(values.type):
        raise UnreadableTypeError
    kind = pa.list_(pa.float32() if values.type.value_type in _NARROW else pa.float64())
    if values.type == kind:
        return Converted(values)
    try:
        return Converted(values.cast(kind))
    except pa.ArrowInvalid:
        inexact = pa.chunked_array([_has_inexact_element(chunk) for chunk in values.chunks], pa.bool_())
        return (
            Converted(values).refuse(inexact, "has an element that no double holds").apply(lambda own: own.cast(kind))
        )


def _check_form(texts: pa.ChunkedArray, pattern: str, reason: str) -> Converted:
    return Converted(texts).refuse(pc.invert(pc.match_substring_regex(texts, pattern)), reason)


def _has_hexadecimal(texts: pa.ChunkedArray) -> bool:
    """Return whether a text may be a number such as 0x1F, which Arrow reads."""
    return any(pc.any(pc.match_substring(texts, sign), min_count=0).as_py() for sign in "xX")


def _without_plus(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_ltrim(texts, "+")


def _to_plain_whole(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    has_point = pc.any(pc.match_substring(texts, "."), min_count=0).as_py()
    return _without_plus(pc.replace_substring_regex(texts, r"\.0*$", "") if has_point else texts)


def _from_whole_floats(values: pa.ChunkedArray) -> Converted:
    numbers = values.cast(pa.float64(), safe=False)
    found = Converted(pc.if_else(pc.is_nan(numbers), None, numbers))
    found = found.refuse(pc.or_(pc.is_inf(numbers), pc.not_equal(numbers, pc.floor(numbers))), NOT_WHOLE)
    beyond = pc.or_(pc.greater_equal(numbers, 2.0**63), pc.less(numbers, -(2.0**63)))
    return found.refuse(beyond, TOO_LARGE).apply(lambda whole: whole.cast(pa.int64()))


def _from_whole_decimals(values: pa.ChunkedArray) -> Converted:
    found = refuse_fractions(values)
    return found.then(lambda whole: try_cast(drop_scale(whole).cast(pa.string()), pa.int64(), TOO_LARGE))


def refuse_fractions(values: pa.ChunkedArray) -> Converted:
    """Refuse decimals that are not whole."""
    kind = values.type
    if kind.scale <= 0:
        return Converted(values)
    if kind.precision == kind.scale < _LONGEST_DECIMAL256:
        # Arrow has no room for the 0 of 0.75 and does not cut it
        values = values.cast(_decimal(kind.precision + 1, kind.scale))
    return Converted(values).refuse(pc.not_equal(values, pc.trunc(values)), NOT_WHOLE)


def drop_scale(whole: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return whole decimals without digits behind the point."""
    return whole.cast(_decimal(max(whole.type.precision - whole.type.scale, 1), 0))


def _from_floats(values: pa.ChunkedArray, request: Request) -> Converted:
    """Read floats by their shortest texts, which are exact up to 15 digits; JSON has no other decimals."""
    whole = convert_to_integer(values, request)
    if not whole.refused:
        return whole.apply(_to_shortest_decimal)
    texts = pc.if_else(pc.is_nan(values), None, values).cast(pa.string())
    found = _check_form(texts, _DIGITS, _DECIMAL)
    digits = pc.utf8_length(
        pc.utf8_ltrim(pc.replace_substring(pc.replace_substring_regex(texts, r"\.0$", ""), ".", ""), "-0")
    )
    return found.refuse(pc.greater(digits, _EXACT_DIGITS), _INEXACT).then(_parse_decimals)


def _to_shortest_decimal(whole: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = whole.cast(pa.decimal128(20, 0))
    ends = pc.min_max(whole).as_py().values()
    return whole.cast(pa.decimal128(max(len(str(abs(end or 0))) for end in ends), 0))


def _parse_decimals(texts: pa.ChunkedArray) -> Converted:
    digits = pc.utf8_length(pc.utf8_ltrim(pc.replace_substring(texts, ".", ""), "+-"))
    found = Converted(texts).refuse(pc.greater(digits, _LONGEST_DECIMAL256), _LONG)
    point = pc.find_substring(found.values, ".")
    length = pc.utf8_length(found.values)
    has_point = pc.greater_equal(point, 0)
    fraction = pc.max(pc.if_else(has_point, pc.subtract(pc.subtract(length, point), 1), 0)).as_py() or 0
    whole = pc.max(pc.if_else(has_point, point, length)).as_py() or 0
    if whole + fraction > _LONGEST_DECIMAL256:
        raise UnreadableTypeError(": together its values have more digits than a decimal")
    return found.apply(lambda own: own.cast(_decimal(max(whole + fraction, 1), fraction)))


def _decimal(digits: int, scale: int) -> pa.DataType:
    return pa.decimal128(digits, scale) if digits <= _LONGEST_DECIMAL128 else pa.decimal256(digits, scale)


def _has_inexact_element(vectors: pa.Array) -> pa.Array:
    elements = vectors.flatten()
    limit = pa.scalar(_WHOLE_DOUBLES, elements.type)
    inexact = pc.greater(elements, limit)
    if pa.types.is_signed_integer(elements.type):
        inexact = pc.or_(inexact, pc.less(elements, pa.scalar(-_WHOLE_DOUBLES, elements.type)))
    mask = np.zeros(len(vectors), dtype=bool)
    mask[pc.list_parent_indices(vectors).filter(inexact).to_numpy()] = True
    return pa.array(mask)
