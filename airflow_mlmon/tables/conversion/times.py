"""Conversion of values to times in UTC: timestamps, dates, ISO 8601 texts and times since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column
from airflow_mlmon.tables.conversion.converted import (
    Converted,
    Request,
    UnreadableTypeError,
    cast_all,
    is_text_type,
    try_cast,
)

NOT_A_TIME = "is not a time (ISO 8601, or a number since 1970)"
BEYOND = "is beyond the years 1 to 9999"
NO_ZONE = "is a time without a zone: set predictions.timezone in the spec, such as UTC"
NO_UNIT = "is a number whose unit of time is not clear: set `unit` of the column (s, ms, us or ns)"

_MOMENT = pa.timestamp("us", tz="UTC")
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_FIRST = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
# an undeclared unit is recognised for times from 1973 to 2286: 10^8 to 10^10 seconds, 10^11 to 10^13 milliseconds
_RECOGNISED = {"s": 1e8, "ms": 1e11, "us": 1e14, "ns": 1e17}
_SPAN = 1e2
_END = 1e19
# the end of all times of many systems is in the year 9999, which in seconds looks like a day of 1978 in milliseconds
_YEAR_9999 = 253_370_764_800
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
)
_WITH_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_TIME_OF_DAY = 11
_NUMBER = r"^[+-]?[0-9]{1,20}(\.[0-9]{1,9})?$"


def convert_to_time(values: pa.ChunkedArray, request: Request) -> Converted:
    """Convert times to microseconds in UTC."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _from_timestamps(values, request)
    if pa.types.is_date(kind):
        # a date is the midnight with which it begins
        return _from_timestamps(values.cast(pa.timestamp("s" if kind == pa.date32() else "ms")), request)
    if is_text_type(kind):
        return _from_texts(values, request)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _from_numbers(_to_exact(values), request.column)
    raise UnreadableTypeError


def _from_timestamps(values: pa.ChunkedArray, request: Request) -> Converted:
    zone = request.timezone if values.type.tz is None else None
    if values.type.tz is None and zone is None:
        return Converted(values).refuse(pc.is_valid(values), NO_ZONE).apply(lambda own: own.cast(_MOMENT))
    found = _within_years(values)
    if zone is not None:
        found = found.then(lambda naive: _assume_zone(naive, zone))
    return found if found.values.type == _MOMENT else found.apply(lambda own: own.cast(_MOMENT, safe=False))


def _within_years(values: pa.ChunkedArray) -> Converted:
    found = Converted(values)
    if values.type.unit == "ns":
        return found
    numbers = values.cast(pa.int64())
    per_second = _PER_SECOND[values.type.unit]
    first, last = _FIRST * per_second, (_LAST + 1) * per_second - 1
    ends = pc.min_max(numbers).as_py()
    if ends["min"] is None or (ends["min"] >= first and ends["max"] <= last):
        return found
    return found.refuse(pc.or_(pc.less(numbers, first), pc.greater(numbers, last)), BEYOND)


def _assume_zone(naive: pa.ChunkedArray, zone: str) -> Converted:
    try:
        return Converted(pc.assume_timezone(naive, zone))
    except pa.ArrowInvalid:
        early = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest")
        late = pc.assume_timezone(naive, zone, ambiguous="latest", nonexistent="latest")
        never = pc.not_equal(pc.local_timestamp(early), naive)
        twice = pc.and_(pc.invert(never), pc.not_equal(early, late))
        found = Converted(early).refuse(never, f"never was in {zone}: the clocks went forward over it")
        return found.refuse(
            twice, f"was twice in {zone}: the clocks went back, and nothing says which of the two it is"
        )


def _from_texts(texts: pa.ChunkedArray, request: Request) -> Converted:
    return _from_uniform_texts(texts, request) or _from_mixed_texts(texts, request)


def _from_uniform_texts(texts: pa.ChunkedArray, request: Request) -> Converted | None:
    """Read texts all of which have the form of the first; this takes a tenth of the time."""
    word = pc.first(texts).as_py() or ""
    has_zone = re.search(_WITH_ZONE, word[_TIME_OF_DAY:]) is not None
    kind = _MOMENT if has_zone else pa.timestamp("us") if "-" in word else pa.int64()
    if kind == pa.int64() and not pc.all(pc.ascii_is_decimal(texts), min_count=0).as_py():
        return None
    values = cast_all(texts, kind)
    if values is None:
        return None
    return _from_numbers(values, request.column) if kind == pa.int64() else _from_timestamps(values, request)


def _from_mixed_texts(texts: pa.ChunkedArray, request: Request) -> Converted:
    is_time = pc.match_substring_regex(texts, _ISO)
    is_number = pc.match_substring_regex(texts, _NUMBER)
    rest = Converted(texts).refuse(pc.invert(pc.or_(is_time, is_number)), NOT_A_TIME)
    if pc.any(is_number, min_count=0).as_py():
        times = _from_iso(pc.if_else(is_time, rest.values, None), request)
        numbers = _from_numbers(pc.if_else(is_number, rest.values, None).cast(pa.decimal128(38, 9)), request.column)
        return Converted(
            pc.coalesce(times.values, numbers.values),
            rest.refused + times.refused + numbers.refused,
            times.notes + numbers.notes,
        )
    return rest.then(lambda iso: _from_iso(iso, request))


def _from_iso(texts: pa.ChunkedArray, request: Request) -> Converted:
    has_zone = pc.match_substring_regex(pc.utf8_slice_codeunits(texts, _TIME_OF_DAY), _WITH_ZONE)
    # digits beyond the microsecond are dropped, as those of timestamps are
    texts = pc.replace_substring_regex(texts, r"(\.[0-9]{6})[0-9]+", r"\1")
    zoned = try_cast(pc.if_else(has_zone, texts, None), _MOMENT, NOT_A_TIME).then(_within_years)
    if pc.all(has_zone, min_count=0).as_py():
        return zoned
    naive = try_cast(pc.if_else(has_zone, None, texts), pa.timestamp("us"), NOT_A_TIME)
    naive = naive.then(lambda times: _from_timestamps(times, request))
    return Converted(pc.coalesce(zoned.values, naive.values), zoned.refused + naive.refused)


def _to_exact(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return integers and decimals as they are, floats as doubles."""
    if pa.types.is_uint64(values.type):
        return values.cast(pa.decimal128(20, 0))
    return values.cast(pa.float64(), safe=False) if pa.types.is_floating(values.type) else values


def _from_numbers(numbers: pa.ChunkedArray, column: Column) -> Converted:
    """Read numbers since 1970 in the declared unit, or in the one that their size tells."""
    if pa.types.is_floating(numbers.type):
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
    found = Converted(numbers)
    if column.unit is not None:
        return found.then(lambda own: _since_1970(own, column.unit or ""))
    size = pc.abs(numbers.cast(pa.float64(), safe=False))
    found = found.refuse(pc.greater_equal(size, _END), BEYOND)
    units = {unit: _is_of_unit(size, unit) for unit in _RECOGNISED}
    is_unclear = pc.invert(reduce(pc.or_, units.values()))
    found = found.refuse(is_unclear, NO_UNIT)
    moments = pa.chunked_array([pa.nulls(len(numbers), _MOMENT)])
    for unit, is_of_unit in units.items():
        if pc.any(is_of_unit, min_count=0).as_py():
            part = _since_1970(pc.if_else(is_of_unit, numbers, None), unit)
            moments = pc.coalesce(moments, part.values)
            note = f"holds numbers, read as {_NAMES[unit]} since 1970: set `unit: {unit}` of the column"
            found = found._replace(notes=(*found.notes, note))
    return found._replace(values=moments)


def _is_of_unit(size: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    least = _RECOGNISED[unit]
    is_in_span = pc.and_(pc.greater_equal(size, least), pc.less(size, least * _SPAN))
    per_second = _PER_SECOND[unit] / 1_000
    first, last = _YEAR_9999 * per_second, (_LAST + 1) * per_second
    is_end = pc.and_(pc.greater_equal(size, first), pc.less(size, last))
    return pc.and_(is_in_span, pc.invert(is_end))


def _since_1970(numbers: pa.ChunkedArray, unit: str) -> Converted:
    per_second = _PER_SECOND[unit]
    first, last = _FIRST * per_second, (_LAST + 1) * per_second - 1
    size = numbers.cast(pa.float64(), safe=False)
    found = Converted(numbers).refuse(pc.or_(pc.less(size, float(first)), pc.greater(size, float(last))), BEYOND)
    return found.apply(lambda own: _to_microseconds(own, per_second).cast(_MOMENT))


def _to_microseconds(numbers: pa.ChunkedArray, per_second: int) -> pa.ChunkedArray:
    if pa.types.is_integer(numbers.type):
        whole = numbers.cast(pa.int64())
        if per_second <= _PER_SECOND["us"]:
            return pc.multiply(whole, _PER_SECOND["us"] // per_second)
        return pc.divide(whole, per_second // _PER_SECOND["us"])
    if pa.types.is_decimal(numbers.type):
        exact = numbers.cast(pa.decimal256(40, 12), safe=False)
        scaled = pc.multiply(exact, pa.scalar(Decimal(_PER_SECOND["us"]) / per_second, pa.decimal128(10, 3)))
        return pc.floor(scaled).cast(pa.decimal256(30, 0), safe=False).cast(pa.int64())
    return pc.round(pc.multiply(numbers, _PER_SECOND["us"] / per_second)).cast(pa.int64())
