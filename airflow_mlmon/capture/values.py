"""Values of a service as those of a declared type, one by one: what the monitoring would make of them when it reads.

What loses nothing is converted: whole floats and texts of them to integers, 0/1 and yes/no to booleans, codes to texts.
Beyond that, true and false are 1 and 0 in a column of numbers. Everything else is refused, with the reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.capture.folders import EPOCH
from airflow_mlmon.capture.schema import CapturedColumn

NOT_A_NUMBER = "is not a number"
NOT_WHOLE = "is not a whole number"
TOO_LARGE = "is beyond 64 bits"
NO_BOOLEAN = "is not a boolean"
NO_TEXT = "is not a text"
NOT_UTF8 = "is not UTF-8 text"
NO_TIME = "is not a time"
NO_ZONE = "is a time without a zone"
BEYOND = "is beyond the years 1 to 9999"
NO_UNIT = "is a number whose unit of time is not clear"
NO_DECIMAL = "is not a number of plain digits"
INEXACT = "is a float of too many digits"
LONG = "has too many digits"
NEVER = "is a time that never was in its zone"
TWICE = "is a time that was twice in its zone"

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|(?i:[+-]?(nan|inf|infinity))")
_WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")
_DIGITS = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"([T ]([0-9]{2})(:([0-9]{2})(:([0-9]{2})(\.([0-9]{1,9}))?)?)?(Z|([+-])([0-9]{2})(:?([0-9]{2}))?)?)?"
)
_SINCE_1970 = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,9})?")
_TRUE, _FALSE = ("true", "yes", "t", "y", "1", "1.0"), ("false", "no", "f", "n", "0", "0.0")
_INT64 = 2**63
_EXACT_CODE = 2.0**53
_EXACT_DIGITS = 15
_MOST_DIGITS = 38
# written out, it would fill the memory
_MOST_EXPONENT = 400
_MICROSECOND = timedelta(microseconds=1)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# an undeclared unit is recognised for times from 1973 to 2286, as by the monitoring
_RECOGNISED = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
_SPAN = 1e2
_YEAR_9999 = 253_370_764_800
_FIRST = (datetime(1, 1, 1, tzinfo=timezone.utc) - EPOCH) // timedelta(seconds=1)
_LAST = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc) - EPOCH) // timedelta(seconds=1)


class Unkept(NamedTuple):
    """Value that cannot be kept, with the reason; null is written in its place."""

    reason: str


def to_value(value: Any, column: CapturedColumn, zone: tzinfo | None) -> Any:
    """Return a value as one of the column's type, None for a missing one, or why it cannot be.

    Args:
        value: a plain value of Python; those of numpy have been made plain.
        column: the column.
        zone: time zone of times without one; None if such are refused.
    """
    if value is None or isinstance(value, Unkept):
        return value
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _MOST_EXPONENT:
        return Unkept(LONG)
    if isinstance(value, bytes) and column.type not in ("string", "category"):
        value = _decode(value)
        if isinstance(value, Unkept):
            return value
    if column.type == "timestamp":
        return to_time(value, zone, column.unit)
    if column.type == "boolean":
        return _to_boolean(value, column)
    return _CONVERSIONS[column.type](value)


def _decode(value: bytes) -> str | Unkept:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return Unkept(NOT_UTF8)


def _to_float(value: Any) -> float | Unkept:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return Unkept(NOT_A_NUMBER)
    if isinstance(value, str | int | float | Decimal):
        try:
            return float(value)
        except (OverflowError, ValueError):
            return Unkept(NOT_A_NUMBER)
    return Unkept(NOT_A_NUMBER)


def _to_integer(value: Any) -> int | Unkept | None:
    if isinstance(value, str):
        found = _WHOLE.fullmatch(value)
        if found is None:
            return Unkept(NOT_WHOLE)
        if len(found[1]) > _MOST_DIGITS:
            return Unkept(TOO_LARGE)
        value = int(found[1])
    elif isinstance(value, float | Decimal):
        if value != value:  # noqa: PLR0124 - NaN is a missing one, as pandas writes it
            return None
        if math.isinf(value) or value != math.floor(value):
            return Unkept(NOT_WHOLE)
        value = int(value)
    elif not isinstance(value, int):
        return Unkept(NOT_A_NUMBER)
    return int(value) if -_INT64 <= value < _INT64 else Unkept(TOO_LARGE)


def _to_boolean(value: Any, column: CapturedColumn) -> bool | Unkept | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and column.classes is not None:
        return value == column.classes[1] if value in column.classes else Unkept(NO_BOOLEAN)
    if isinstance(value, str):
        word = value.lower()
        return word in _TRUE if word in _TRUE or word in _FALSE else Unkept(NO_BOOLEAN)
    if isinstance(value, float | Decimal) and value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, int | float | Decimal) and value in (0, 1):
        return bool(value)
    return Unkept(NO_BOOLEAN)


def _to_text(value: Any) -> str | Unkept | None:
    if isinstance(value, str):
        # half of a surrogate pair is no text
        return value if value.isascii() or value.encode("utf-8", "replace").decode() == value else Unkept(NOT_UTF8)
    if isinstance(value, bytes):
        return _decode(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _to_code(value) if isinstance(value, int | float | Decimal) else Unkept(NO_TEXT)


def _to_code(value: float | Decimal) -> str | Unkept | None:
    """Write a whole number as a text."""
    if value != value:  # noqa: PLR0124 - NaN is a missing code
        return None
    if math.isinf(value) or value != math.floor(value):
        return Unkept(NOT_WHOLE)
    if isinstance(value, float) and abs(value) > _EXACT_CODE:
        return Unkept(INEXACT)
    return str(int(value)) if abs(value) < 10**_MOST_DIGITS else Unkept(LONG)


def _to_decimal(value: Any) -> Decimal | Unkept | None:
    """Read floats by their shortest texts, which are exact up to 15 digits."""
    if isinstance(value, float | Decimal) and value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _INT64:
        return Decimal(int(value))
    if isinstance(value, float):
        # as Arrow writes it, 0.00001 and not 1e-05
        text = pa.scalar(value, pa.float64()).cast(pa.string()).as_py()
        is_exact = len(text.replace(".", "").lstrip("-0")) <= _EXACT_DIGITS
        return _parse_decimal(text) if is_exact else Unkept(INEXACT)
    if isinstance(value, str):
        return _parse_decimal(value)
    return _check_digits(Decimal(int(value) if isinstance(value, int) else value))


def _parse_decimal(text: str) -> Decimal | Unkept:
    if not _DIGITS.fullmatch(text):
        return Unkept(NO_DECIMAL)
    return _check_digits(Decimal(text)) if len(text) <= 2 * _MOST_DIGITS else Unkept(LONG)


def _check_digits(value: Decimal) -> Decimal | Unkept:
    if not value.is_finite():
        return Unkept(NO_DECIMAL)
    _, digits, exponent = value.as_tuple()
    width = max(len(digits) + max(int(exponent), 0), -int(exponent))
    return value if width <= _MOST_DIGITS else Unkept(LONG)


def to_time(value: Any, zone: tzinfo | None = None, unit: str | None = None) -> int | Unkept | None:
    """Return a time in microseconds since 1970, UTC: of a time, a date, an ISO 8601 text, or a number since 1970.

    Args:
        value: the time.
        zone: zone of times without one; None if such are refused.
        unit: unit of numbers; None if their size tells it.
    """
    if isinstance(value, str):
        return _from_text(value, zone, unit)
    if isinstance(value, datetime):
        return _from_datetime(value, zone)
    if isinstance(value, date):
        return _from_datetime(datetime(value.year, value.month, value.day), zone)  # noqa: DTZ001 - the zone follows
    return _from_number(value, unit)


def _from_number(value: Any, unit: str | None) -> int | Unkept | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return Unkept(NO_TIME)
    return _since_1970(value, unit) if value == value else None  # noqa: PLR0124 - NaN


def _from_datetime(value: datetime, zone: tzinfo | None) -> int | Unkept:
    if value.utcoffset() is None:
        if zone is None:
            return Unkept(NO_ZONE)
        early, late = value.replace(tzinfo=zone, fold=0), value.replace(tzinfo=zone, fold=1)
        if early.utcoffset() != late.utcoffset():
            there = early.astimezone(timezone.utc).astimezone(zone)
            return Unkept(TWICE if there.replace(tzinfo=None, fold=0) == value.replace(fold=0) else NEVER)
        value = early
    found = (value - EPOCH) // _MICROSECOND
    return found if _FIRST <= found // _PER_SECOND["us"] <= _LAST else Unkept(BEYOND)


def _from_text(text: str, zone: tzinfo | None, unit: str | None) -> int | Unkept | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return _since_1970(Decimal(text), unit) if _SINCE_1970.fullmatch(text) else Unkept(NO_TIME)
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    hour, minute, second = (int(found[number] or 0) for number in (5, 7, 9))
    fraction = int((found[11] or "0").ljust(6, "0")[:6])
    try:
        value = datetime(year, month, day, hour, minute, second, fraction)  # noqa: DTZ001 - the zone follows
    except ValueError:
        return Unkept(NO_TIME)
    if found[12] is None:
        return _from_datetime(value, zone)
    offset = timedelta(hours=int(found[14] or 0), minutes=int(found[16] or 0))
    micro = (value.replace(tzinfo=timezone.utc) - EPOCH + (offset if found[13] == "-" else -offset)) // _MICROSECOND
    return micro if _FIRST <= micro // _PER_SECOND["us"] <= _LAST else Unkept(BEYOND)


def _since_1970(number: float | Decimal, unit: str | None) -> int | Unkept:
    """Read a number in a unit, or in the one that its size tells."""
    size = abs(float(number))
    if unit is None:
        if size >= _RECOGNISED["ns"] * _SPAN:
            return Unkept(BEYOND)
        unit = next((name for name in _RECOGNISED if _is_of_unit(size, name)), None)
        if unit is None:
            return Unkept(NO_UNIT)
    per_second = _PER_SECOND[unit]
    if not _FIRST * per_second <= number < (_LAST + 1) * per_second:
        return Unkept(BEYOND)
    if isinstance(number, float):
        return round(number * (_PER_SECOND["us"] / per_second))
    if isinstance(number, int) and per_second > _PER_SECOND["us"]:
        # towards zero, as Arrow divides
        return math.trunc(Decimal(number) * _PER_SECOND["us"] / per_second)
    return math.floor(Decimal(number) * _PER_SECOND["us"] / per_second)


def _is_of_unit(size: float, unit: str) -> bool:
    least, per_second = _RECOGNISED[unit], _PER_SECOND[unit] / 1_000
    is_end = _YEAR_9999 * per_second <= size < (_LAST + 1) * per_second
    return least <= size < least * _SPAN and not is_end


def _to_label(value: Any) -> Any:
    return _to_text(value) if isinstance(value, bytes) or not isinstance(value, bool | int | float | str) else value


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "float": _to_float,
    "integer": _to_integer,
    "decimal": _to_decimal,
    "string": _to_text,
    "category": _to_text,
    "label": _to_label,
}
