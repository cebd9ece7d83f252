"""Counting of rows and values by hour of event time.

The hour of each row is computed once, for all columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.hourly import NO_CODES, NO_TIME, HourCodes, HourlySums, count_hours
from airflow_mlmon.profiles.engine.parquet import RowGroups, read_rows
from airflow_mlmon.profiles.hours import HOURS, Clock, HourlyColumn, Hours, named_columns
from airflow_mlmon.profiles.schema import ColumnSchema, ProfileSchema
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.profiles.values.reading import named_column
from airflow_mlmon.statistics.arrays import Counts

# the clocks of every zone change on a quarter of an hour
_QUARTER_US = 900_000_000
_CODES = 256
_MOST_QUARTERS = 1 << 16
_UTC = pa.timestamp("us", "UTC")


def to_hours(times: pa.Array, clock: Clock) -> HourCodes:
    """Compute the hour of each time in the zone of the clock; 24 where it is null.

    Raises:
        SchemaMismatchError: the column holds no times.
    """
    with named_column(times, clock.column):
        held = times.cast(_UTC, safe=False)
    moments = to_numpy(held.cast(pa.int64()).fill_null(0))
    if not len(moments):
        return NO_CODES
    quarters = moments // _QUARTER_US
    first, last = int(quarters.min()), int(quarters.max())
    if last - first < _MOST_QUARTERS and not held.null_count:
        of_quarter = _local_hours(to_number_array(np.arange(first, last + 1) * _QUARTER_US), clock.zone)
        found: HourCodes = of_quarter[quarters - first]
        return found
    hours = _local_hours(held.cast(pa.int64()).fill_null(0), clock.zone)
    return np.where(to_numpy(held.is_valid()), hours, np.uint8(NO_TIME))


def _local_hours(moments: pa.Array, zone: str) -> HourCodes:
    hours: HourCodes = to_numpy(pc.hour(moments.cast(_UTC).cast(pa.timestamp("us", zone)))).astype(np.uint8)
    return hours


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursOfRows:
    """Hour of each of some rows, and the number of rows by hour."""

    codes: HourCodes
    rows: Counts


class HourSums:
    """Running sums by hour of rows that are profiled, a table or some row groups at a time."""

    def __init__(self, schema: ProfileSchema, clock: Clock | None) -> None:
        self._schema = schema
        self._summed = frozenset(named_columns(schema)[1])
        self._clock = clock
        self._rows = np.zeros(HOURS, dtype=np.int64)
        self._columns: dict[str, HourlyColumn] = {}
        self._has_rows = False

    def open(self, rows: pa.Table | RowGroups) -> HoursOfRows | None:
        """Count rows by hour, and return their hours; None without a clock, or where they lack its column.

        Raises:
            SchemaMismatchError: the column of the clock holds no times.
        """
        if self._clock is None:
            return None
        parts = [rows] if isinstance(rows, pa.Table) else read_rows(rows, [self._clock.column])
        codes = [NO_CODES]
        for part in parts:
            if self._clock.column not in part.column_names:
                self._clock = None
                return None
            codes += [to_hours(chunk, self._clock) for chunk in part.column(self._clock.column).chunks]
        held = np.concatenate(codes)
        found = HoursOfRows(codes=held, rows=count_hours(held))
        self._has_rows |= len(held) > 0
        self._rows += found.rows[:HOURS]
        return found

    def counter(self, column: ColumnSchema, hours: HoursOfRows | None) -> HourlyCounter | None:
        """Return a counter of a column of the rows with these hours."""
        return None if hours is None else HourlyCounter(column, hours, is_summed=column.name in self._summed)

    def add(self, counter: HourlyCounter) -> None:
        """Add what a counter has counted."""
        known, found = self._columns.get(counter.name), counter.column()
        self._columns[counter.name] = known.plus(found) if known else found

    def total(self) -> Hours | None:
        """Return the sums; None if some rows had no column of times, or there are none."""
        if self._clock is None or not self._has_rows:
            return None
        return Hours.of(self._schema, self._rows, self._columns)


class HourlyCounter:
    """Counter of the values of one column by hour, over arrays that follow each other.

    Attributes:
        name: Name of the column.
        sums: Sums of its values; None if they are not summed.
    """

    def __init__(self, schema: ColumnSchema, hours: HoursOfRows, *, is_summed: bool) -> None:
        self.name = schema.name
        self.sums = HourlySums(schema.quantum) if is_summed else None
        self._hours = hours
        self._at = 0
        self._missing = count_hours(NO_CODES)

    def count(self, chunk: pa.Array) -> HourCodes:
        """Count the nulls of the next array, and return the hours of its other values."""
        codes = self._hours.codes[self._at : self._at + len(chunk)]
        self._at += len(chunk)
        if kernels and chunk.null_count and not pa.types.is_dictionary(chunk.type) and not pa.types.is_null(chunk.type):
            held, missing = np.empty(len(codes), dtype=np.uint8), np.zeros(_CODES, dtype=np.int64)
            rows = kernels.split_hours(codes, chunk.buffers()[0], chunk.offset, held, missing)
            self._missing += missing[: len(self._missing)]
            return held[:rows]
        is_null = _nulls(chunk)
        if is_null is None:
            return codes
        self._missing += count_hours(codes[is_null])
        return codes[~is_null]

    def column(self) -> HourlyColumn:
        """Return what has been counted of all rows."""
        rows, missing, sums = self._hours.rows, self._missing, self.sums
        if sums is None:
            return HourlyColumn(rows=rows[:HOURS], missing=missing[:HOURS])
        missing = missing + sums.missing
        return HourlyColumn(
            rows=rows[:HOURS],
            missing=missing[:HOURS],
            observed=(rows - missing - sums.infinite)[:HOURS],
            totals=tuple(sums.totals[:HOURS]),
        )


def _nulls(chunk: pa.Array) -> npt.NDArray[np.bool_] | None:
    """Return which values are null; None if none is. A dictionary may hold null as a value."""
    if pa.types.is_dictionary(chunk.type) and chunk.dictionary.null_count:
        return to_numpy(pc.is_null(chunk.dictionary).take(chunk.indices).fill_null(fill_value=True))
    return to_numpy(chunk.is_null()) if chunk.null_count else None
