"""A value that is captured is, when it is read, what the monitoring would have made of it in a file."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_mlmon.capture.arrays import to_array
from airflow_mlmon.capture.folders import read_zone
from airflow_mlmon.capture.schema import CapturedColumn
from airflow_mlmon.spec import Column
from airflow_mlmon.tables.conversion.converted import Request, UnreadableTypeError
from airflow_mlmon.tables.schema import convert

TYPES = ("float", "integer", "boolean", "string", "category", "decimal", "timestamp")
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.one_of(
    INT64,
    st.floats(),
    st.sampled_from([0, 1, 0.0, 1.0, -0.0, 5411.0, 1e15, 2.0**53, 2.0**53 + 2, 1.5, 1e300, 1_767_225_600, 1.7e12]),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=3),
    st.integers(10**8, 10**18),
)
WORDS = [
    "1",
    " 1",
    "1.0",
    "+7",
    "1e3",
    ".5",
    "5.",
    "0x1F",
    "nan",
    "-inf",
    "Infinity",
    "true",
    "No",
    "Y",
    "t",
    "1.00",
    "",
    "é",
]
MOMENTS = [
    "2026-03-01",
    "2026-03-01T10",
    "2026-03-01 10:30:15.1234567Z",
    "2026-03-01T10:30+0130",
    "2026-02-30",
    "1767225600",
]
NAIVE = [
    "2026-03-29T02:30:00",
    "2026-10-25T02:30:00",
    "2026-06-01T12:00:00",
    "2026-03-01T24:00:00",
    "0001-01-01T00:00:00Z",
]
TEXTS = st.one_of(
    st.sampled_from([*WORDS, *MOMENTS, *NAIVE]), st.text(max_size=8), INT64.map(str), st.floats().map(repr)
)
# of earlier and later years Arrow knows no clocks that change
TIMES = st.one_of(
    st.datetimes(datetime.fromisoformat("1980-01-03"), datetime.fromisoformat("2037-12-29")),
    st.datetimes(
        datetime.fromisoformat("0001-01-03"),
        datetime.fromisoformat("9999-12-29"),
        timezones=st.just(timezone(timedelta(hours=5))),
    ),
    st.dates(date(1980, 1, 3), date(2037, 12, 29)),
)
VALUES = st.one_of(NUMBERS, TEXTS, TIMES, TEXTS.map(str.encode), st.booleans(), st.none())
ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "-03:30"])
UNITS = st.sampled_from([None, "s", "ms", "us", "ns"])


def _read(value, kind: str, zone: str | None, unit: str | None) -> tuple[object, bool]:
    """Return what the monitoring reads of a value in a file of its own type, and whether it refuses it."""
    column = Column(type=kind, unit=unit if kind == "timestamp" else None)
    try:
        found = convert(pa.chunked_array([pa.array([value])]), Request(column, zone))
    except UnreadableTypeError:
        return None, True
    return found.values.to_pylist()[0], any(refusal.rows.any() for refusal in found.refused)


def _capture(value, kind: str, zone: str | None, unit: str | None) -> tuple[object, bool]:
    column = CapturedColumn(name="x", type=kind, unit=unit if kind == "timestamp" else None)
    found = to_array([value], column, zone and read_zone(zone))
    written = convert(pa.chunked_array([found.values]), Request(Column(type=kind), None))
    return written.values.to_pylist()[0], bool(found.refused) or any(each.rows.any() for each in written.refused)


@settings(max_examples=1_500)
@given(value=VALUES, kind=st.sampled_from(TYPES), zone=ZONES, unit=UNITS)
@example(value=1.5, kind="integer", zone=None, unit=None)
@example(value=2**60 + 1, kind="float", zone=None, unit=None)
@example(value="2026-03-29T02:30:00", kind="timestamp", zone="Europe/Berlin", unit=None)
@example(value="2026-10-25T02:30:00", kind="timestamp", zone="Europe/Berlin", unit=None)
@example(value=1e-05, kind="decimal", zone=None, unit=None)
@example(value=123456789012345.6, kind="decimal", zone=None, unit=None)
@example(value=1e-07, kind="decimal", zone=None, unit=None)
@example(value=1.5e20, kind="decimal", zone=None, unit=None)
@example(value=1.5e-9, kind="float", zone=None, unit=None)
@example(value=Decimal("1E+3"), kind="string", zone=None, unit=None)
def test_captured_value_is_the_one_that_the_monitoring_reads(value, kind, zone, unit):
    expected = _read(value, kind, zone, unit)
    if isinstance(value, bool) and kind in ("float", "integer", "decimal"):
        expected = (int(value), False)

    found = _capture(value, kind, zone, unit)

    assert _plain(found) == _plain(expected)


def _plain(found: tuple[object, bool]) -> tuple[object, bool]:
    value, is_refused = found
    return ("nan" if isinstance(value, float) and math.isnan(value) else value), is_refused


@settings(max_examples=300)
@given(values=st.lists(VALUES, max_size=6), kind=st.sampled_from(TYPES))
def test_column_of_any_values_is_converted_like_each_of_them(values, kind):
    column = CapturedColumn(name="x", type=kind)

    found = to_array(values, column, UTC)

    single = [to_array([value], column, UTC) for value in values]
    assert found.values.null_count == sum(one.values.null_count for one in single)
    assert sum(found.refused.values()) == sum(sum(one.refused.values()) for one in single)
    assert (
        str(found.values.to_pylist()) == str([value for one in single for value in one.values.to_pylist()])
        or kind == "decimal"
    )


def test_huge_number_is_no_text_that_fills_the_memory():
    found = to_array([Decimal(f"1e{10**9}")], CapturedColumn(name="x", type="string"), None)

    assert found.values.to_pylist() == [None]
    assert dict(found.refused) == {"has too many digits": 1}


def test_word_of_a_class_is_its_boolean():
    column = CapturedColumn(name="x", type="boolean", role="prediction", classes=("repaid", "lost"))

    found = to_array(["lost", "repaid", None, "yes", True], column, None)

    assert found.values.to_pylist() == [True, False, None, None, True]
    assert dict(found.refused) == {"is not a boolean": 1}
