"""Times of every spelling are read in UTC; what is ambiguous or out of range is refused, value by value."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import conform

SPRING = datetime(2026, 3, 1, tzinfo=UTC)
SECONDS = int(SPRING.timestamp())
BEYOND = "x is beyond the years 1 to 9999"
NO_TIME = "x is not a time (ISO 8601, or a number since 1970)"
NO_ZONE = "x is a time without a zone: set predictions.timezone in the spec, such as UTC"
NO_UNIT = "x is a number whose unit of time is not clear: set `unit` of the column (s, ms, us or ns)"


def read(values: pa.Array, timezone: str | None = None, unit: str | None = None):
    column = Column(type=ColumnType.TIMESTAMP, unit=unit)
    table, faults, notes = conform(pa.table({"x": values}), {"x": column}, timezone=timezone)
    reasons = {fault.reason: np.flatnonzero(fault.rows).tolist() for fault in faults}
    return table.column("x").to_pylist(), reasons, notes


def naive(*moments: str) -> pa.Array:
    return pa.array(moments).cast(pa.timestamp("us"))


def test_local_times_that_were_twice_or_never_are_refused_alone():
    values = naive(
        "2025-10-26 01:59:59",
        "2025-10-26 02:00:00",
        "2025-10-26 02:59:59",
        "2025-10-26 03:00:00",
        "2025-03-30 02:30:00",
    )

    times, reasons, _ = read(values, "Europe/Berlin")

    assert times == [
        datetime(2025, 10, 25, 23, 59, 59, tzinfo=UTC),
        None,
        None,
        datetime(2025, 10, 26, 2, tzinfo=UTC),
        None,
    ]
    assert reasons == {
        "x never was in Europe/Berlin: the clocks went forward over it": [4],
        "x was twice in Europe/Berlin: the clocks went back, and nothing says which of the two it is": [1, 2],
    }


@pytest.mark.parametrize(("zone", "hours"), [("+01:00", -1), ("-07:30", 7.5), ("UTC", 0), ("Asia/Kolkata", -5.5)])
def test_times_without_a_zone_are_in_the_declared_one(zone, hours):
    assert read(naive("2026-03-01 00:00:00"), zone) == ([SPRING + timedelta(hours=hours)], {}, ())


@pytest.mark.parametrize("zone", ["+00:00", "+07:30", "Europe/Berlin", "UTC"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_with_a_zone_of_their_own_need_no_other(zone, unit):
    values = pa.array([SPRING, None], pa.timestamp("us", tz="UTC")).cast(pa.timestamp(unit, tz=zone))

    assert read(values, "Asia/Tokyo") == ([SPRING, None], {}, ())


@pytest.mark.guards("fault-18")
def test_times_and_dates_without_any_zone_are_refused():
    assert read(naive("2026-03-01 00:00:00")) == ([None], {NO_ZONE: [0]}, ())
    assert read(pa.array([date(2026, 3, 1), None])) == ([None, None], {NO_ZONE: [0]}, ())
    assert read(pa.array(["2026-03-01T12:00", None])) == ([None, None], {NO_ZONE: [0]}, ())


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_date_is_its_midnight(kind):
    assert read(pa.array([date(2026, 3, 1)], kind), "Europe/Berlin") == ([SPRING - timedelta(hours=1)], {}, ())


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", ["UTC", None])
def test_times_beyond_what_a_date_holds_are_never_another_date(unit, zone):
    last = datetime(9999, 12, 31, tzinfo=UTC)
    numbers = [2**63 - 1, -(2**63) + 1, int(last.timestamp()) * {"s": 1, "ms": 10**3, "us": 10**6}[unit]]
    values = pa.array(numbers).cast(pa.timestamp(unit, tz=zone))

    assert read(values, "UTC") == ([None, None, last], {BEYOND: [0, 1]}, ())


@pytest.mark.parametrize(
    ("unit", "factor", "name"),
    [("s", 1, "seconds"), ("ms", 10**3, "milliseconds"), ("us", 10**6, "microseconds"), ("ns", 10**9, "nanoseconds")],
)
@pytest.mark.parametrize("form", ["integer", "unsigned", "decimal", "text"])
def test_numbers_since_1970_are_read_by_their_size_and_this_is_said(unit, factor, name, form):
    kinds = {"integer": pa.int64(), "unsigned": pa.uint64(), "decimal": pa.decimal128(38, 0), "text": pa.string()}
    values = pa.array([SECONDS * factor, None]).cast(kinds[form])

    note = f"column 'x' holds numbers, read as {name} since 1970: set `unit: {unit}` of the column"
    assert read(values) == ([SPRING, None], {}, (note,))
    assert read(values, unit=unit) == ([SPRING, None], {}, ())


def test_parts_of_a_second_are_kept():
    moment = SPRING + timedelta(microseconds=123456)

    assert read(pa.array([SECONDS + 0.123456, math.nan]), unit="s") == ([moment, None], {}, ())
    assert read(pa.array([Decimal(SECONDS) + Decimal("0.123456789")]), unit="s") == ([moment], {}, ())
    assert read(pa.array([f"{SECONDS}.123456"]), unit="s") == ([moment], {}, ())
    assert read(pa.array([SECONDS * 10**9 + 123456789]), unit="ns") == ([moment], {}, ())


def test_number_of_no_clear_unit_needs_one():
    values = pa.array([5411, 0, 20260301, -5])

    assert read(values) == ([None] * 4, {NO_UNIT: [0, 1, 2, 3]}, ())
    # a day of 1972 in milliseconds
    assert read(pa.array([86_400_000 * 1_000])) == ([None], {NO_UNIT: [0]}, ())
    assert read(values[1:2], unit="ms") == ([datetime(1970, 1, 1, tzinfo=UTC)], {}, ())


@pytest.mark.parametrize("factor", [1, 10**3, 10**6])
def test_end_of_all_times_is_not_taken_for_another_day_in_another_unit(factor):
    last = datetime(9999, 12, 31, tzinfo=UTC)
    values = pa.array([int(last.timestamp()) * factor, SECONDS * factor])

    unit = {1: "s", 10**3: "ms", 10**6: "us"}[factor]
    assert read(values)[:2] == ([None, SPRING], {NO_UNIT: [0]})
    assert read(values, unit=unit) == ([last, SPRING], {}, ())


def test_number_beyond_all_years_is_none_in_its_unit():
    assert read(pa.array([10**18, SECONDS]), unit="s") == ([None, SPRING], {BEYOND: [0]}, ())
    assert read(pa.array([math.inf, 1e25])) == ([None, None], {BEYOND: [0, 1]}, ())


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T00:00:00Z", SPRING),
        ("2026-03-01 01:00+01", SPRING),
        ("2026-02-28T16:30:00.123456789-07:30", SPRING + timedelta(microseconds=123456)),
        ("2026-03-01T00:00:00.123", SPRING + timedelta(hours=-1, milliseconds=123)),
        ("2026-03-01", SPRING + timedelta(hours=-1)),
    ],
)
def test_iso_texts_are_times(text, moment, kind):
    assert read(pa.array([text, None], kind), "Europe/Berlin") == ([moment, None], {}, ())


def test_texts_of_several_forms_are_read_one_by_one():
    values = pa.array(
        ["2026-03-01T00:00Z", "2026-03-01", str(SECONDS), "2026-02-30T00:00Z", "soon", "0000-01-01", None]
    )

    times, reasons, notes = read(values, "UTC")

    assert times == [SPRING, SPRING, SPRING, None, None, None, None]
    assert reasons == {NO_TIME: [3, 4], BEYOND: [5]}
    assert notes == ("column 'x' holds numbers, read as seconds since 1970: set `unit: s` of the column",)
