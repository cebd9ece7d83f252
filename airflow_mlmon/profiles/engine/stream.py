"""Profiling of rows that come table by table, in memory that does not grow with their number.

Counts are integers and sums are exact, so neither the bounds of the tables nor the number of threads change a bit.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import pyarrow as pa

from airflow_mlmon.profiles.columns.segment import (
    Part,
    Segment,
    build_divided,
    build_undivided,
    is_too_many,
    sum_parts,
)
from airflow_mlmon.profiles.engine.counters import make_counter
from airflow_mlmon.profiles.engine.derived import derive_chunks, group_derived
from airflow_mlmon.profiles.engine.division import RowOrder, count_values, order_by_value
from airflow_mlmon.profiles.engine.hours import HourlyCounter, HourSums
from airflow_mlmon.profiles.engine.parquet import ROWS_AT_ONCE, limit_rows
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, ProfileSchema, SegmentSchema

_BYTES_AT_ONCE = 1 << 26
# columns whose buffers, of half a megabyte each, are kept from table to table
_FEW_COLUMNS = 64


class ProfileStream:
    """Running profile of rows; equals `profile_table` of all of them."""

    def __init__(self, schema: ProfileSchema, clock: Clock | None = None, *, threads: int | None = None) -> None:
        """Start with no rows.

        Args:
            schema: Profile schema; a column that a table lacks has no rows there.
            clock: Clock of the hours, if rows are counted by hour.
            threads: Number of threads; by default the number of cores. A single one is the caller's.
        """
        self._schema = schema
        self._groups = group_derived(schema.columns)
        self._names = {name for column in schema.columns for name in column.sources}
        self._names.update(name for segment in schema.segments for name in segment.columns)
        self._names.update([clock.column] if clock else [])
        self._most_rows = limit_rows(schema.columns, ROWS_AT_ONCE)
        self._whole = _RunningPart(schema.columns, keeps_buffers=len(schema.columns) <= _FEW_COLUMNS)
        self._segments = [_RunningSegment(segment, schema.columns) for segment in schema.segments]
        self._hours = HourSums(schema, clock)
        self._held: list[pa.Table] = []
        self._held_rows = self._held_bytes = 0
        self._threads = threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: list[Future[_Counters]] = []

    def add(self, table: pa.Table) -> None:
        """Add the next rows; with several threads, the caller may go on while they are counted.

        Raises:
            SchemaMismatchError: the type of a column, of this table or of one before, does not match its kind.
        """
        rows = table.select([name for name in table.column_names if name in self._names])
        if self._held and not self._held[0].schema.equals(rows.schema):
            self._count_held()
        self._held.append(rows)
        self._held_rows += len(rows)
        self._held_bytes += rows.nbytes
        if self._held_rows >= self._most_rows or self._held_bytes >= _BYTES_AT_ONCE:
            self._start_threads()
            self._count_held()

    def total(self) -> Profile:
        """Return the profile of all rows, and end the threads.

        Raises:
            SchemaMismatchError: the type of a column does not match its kind.
        """
        self._count_held()
        self._wait()
        if self._pool:
            self._pool.shutdown()
        whole = self._whole.total()
        return Profile(
            schema_id=self._schema.id,
            rows=whole.rows,
            columns=whole.columns,
            segments={segment.schema.name: segment.total(whole) for segment in self._segments},
            hours=self._hours.total(),
        )

    def _start_threads(self) -> None:
        """Start the threads, which few rows would not repay."""
        if self._threads > 1 and not self._pool:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="profile")

    def _count_held(self) -> None:
        """Count the held rows; many small tables as one, so that each costs no more than its rows."""
        if not self._held:
            return
        rows = self._held[0] if len(self._held) == 1 else pa.concat_tables(self._held).combine_chunks()
        self._held, self._held_rows, self._held_bytes = [], 0, 0
        for start in range(0, max(len(rows), 1), self._most_rows):
            self._count(rows.slice(start, self._most_rows))

    def _count(self, rows: pa.Table) -> None:
        hours = self._hours.open(rows)
        divisions = [segment.divide(rows) for segment in self._segments]
        self._wait()
        pairs = zip(self._segments, divisions, strict=True)
        divided = [(division, segment.open(division, self._whole)) for segment, division in pairs if division]
        self._whole.rows += len(rows)
        names = frozenset(rows.column_names)
        for alike in self._groups:
            if names.issuperset(alike[0].sources):
                counters = [self._hours.counter(column, hours) for column in alike]
                self._submit(partial(_count_columns, rows, alike, self._whole, counters, divided))

    def _submit(self, work: Callable[[], _Counters]) -> None:
        if self._pool:
            self._under_way.append(self._pool.submit(work))
        else:
            self._add_hours(work())

    def _wait(self) -> None:
        """Wait until the rows before are counted."""
        under_way, self._under_way = self._under_way, []
        wait(under_way)
        for done in under_way:
            self._add_hours(done.result())

    def _add_hours(self, counters: _Counters) -> None:
        for counter in counters:
            if counter:
                self._hours.add(counter)


def _count_columns(
    rows: pa.Table, columns: Sequence[ColumnSchema], whole: _RunningPart, counters: _Counters, divided: _Divided
) -> _Counters:
    """Count columns of the same sources, in the whole and in its parts."""
    derivations = [column.derived for column in columns if column.derived]
    found = derive_chunks(derivations, rows) if derivations else [rows.column(columns[0].name)]
    for column, values, hours in zip(columns, found, counters, strict=True):
        whole.add(column.name, values, hours)
        for division, parts in divided:
            for value, own in division.split(values):
                parts[value].add(column.name, own)
    return counters


class _RunningPart:
    """Counters of the columns of some rows."""

    def __init__(self, columns: Sequence[ColumnSchema], *, keeps_buffers: bool = False) -> None:
        self.rows = 0
        self._keeps_buffers = keeps_buffers
        self._counters = {column.name: make_counter(column) for column in columns}

    def add(self, name: str, values: pa.ChunkedArray, hours: HourlyCounter | None = None) -> None:
        """Count values of a column."""
        counter = self._counters[name]
        for chunk in values.chunks:
            counter.add(chunk, hours)
        if not self._keeps_buffers:
            counter.pause()

    def total(self) -> Part:
        """Return the profiles of the rows so far."""
        return Part(rows=self.rows, columns={name: counter.profile() for name, counter in self._counters.items()})


class _RunningSegment:
    """Segment of the rows so far; they are divided from the first one on whose value is a second one."""

    def __init__(self, schema: SegmentSchema, columns: Sequence[ColumnSchema]) -> None:
        self.schema = schema
        self._columns = columns
        self._counts = Counter[str | None]()
        self._undivided: dict[str | None, Part] = {}
        self._parts: _Parts = {}
        self._before: Sequence[str | None] = ()

    def divide(self, rows: pa.Table) -> RowOrder | None:
        """Divide the next rows; None where all rows so far have the same value, or too many for parts.

        Raises:
            SchemaMismatchError: a column holds values other than text, numbers or booleans.
        """
        if is_too_many(self.schema, self._counts):
            return None
        before = [] if self._parts else list(self._counts)
        self._counts += count_values(rows, self.schema)
        if len(self._counts) <= 1:
            return None
        if is_too_many(self.schema, self._counts):
            self._undivided, self._parts = {}, {}
            return None
        self._before = before
        return order_by_value(rows, self.schema)

    def open(self, division: RowOrder, whole: _RunningPart) -> _Parts:
        """Return the parts to which divided rows belong, when all rows before them are counted."""
        for value in self._before:
            self._undivided[value] = whole.total()
        for value, start, stop in division.parts:
            own = self._parts.setdefault(value, _RunningPart(self._columns))
            own.rows += stop - start
        return self._parts

    def total(self, whole: Part) -> Segment:
        """Return the segment of all rows, whose profile is the whole."""
        simple = build_undivided(self.schema, self._counts, whole)
        if simple:
            return simple
        parts = {value: part.total() for value, part in self._parts.items()}
        for value, part in self._undivided.items():
            parts[value] = sum_parts([part, parts[value]]) if value in parts else part
        return build_divided(self.schema, parts, self._columns)


_Counters = list[HourlyCounter | None]
_Parts = dict[str | None, _RunningPart]
_Divided = Sequence[tuple[RowOrder, _Parts]]
