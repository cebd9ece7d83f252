"""Local profiling engine: profiles Arrow tables or Parquet files, reading each column once.

Parquet files are streamed: one job reads some row groups of one column, counts them and discards them, so memory
is bounded by the running jobs and not by the rows. Profiles add up bit for bit, so neither the number of
threads nor the order in which jobs end changes the result.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.columns.segment import Part, Segment, build_divided, build_undivided, sum_parts
from airflow_mlmon.profiles.engine.counters import make_counter
from airflow_mlmon.profiles.engine.derived import with_derived
from airflow_mlmon.profiles.engine.division import count_values, split
from airflow_mlmon.profiles.engine.hours import HourlyCounter, HourSums
from airflow_mlmon.profiles.engine.parquet import ColumnJob, ParquetSource, RowGroups, read_file_columns, read_rows
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, ProfileSchema, SegmentSchema
from airflow_mlmon.spec.choices import ColumnType

_PENDING_SUMS = 16
_JOBS_PER_THREAD = 4
_Job = TypeVar("_Job")
_Found = TypeVar("_Found")
# by value; None for the rest
_Parts = dict[str | None, Part]
_CountedJob = tuple[ColumnJob, Sequence[HourlyCounter | None]]
_Counted = tuple[ColumnProfile, HourlyCounter | None]


def profile_table(table: pa.Table, schema: ProfileSchema, *, clock: Clock | None = None) -> Profile:
    """Profile the rows of a table under a profile schema, with a clock by hour too.

    A column that the table lacks has a profile of no rows, while the rows of the table are counted.

    Raises:
        SchemaMismatchError: the type of a column does not match its kind.
    """
    stream = ProfileStream(schema, clock, threads=1)
    stream.add(table)
    return stream.total()


def profile_parquet(
    sources: Sequence[str | Path | bytes],
    schema: ProfileSchema,
    *,
    clock: Clock | None = None,
    threads: int | None = None,
) -> Profile:
    """Profile the rows of Parquet files; equals the profile of their concatenated table.

    Args:
        sources: Local paths, or the bytes of files.
        schema: Profile schema; a column that a file lacks has no rows there.
        clock: Clock of the hours, if rows are counted by hour.
        threads: Number of threads; by default the number of cores.

    Raises:
        SchemaMismatchError: the type of a column does not match its kind.
        DataError: a file is not a Parquet file, or is damaged.
    """
    slices = _open(sources)
    sums = _ColumnSums(schema.columns)
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="profile") as pool:
        hours = HourSums(schema, clock)
        jobs = _jobs(slices, schema.columns, hours)
        sums.add_all(chain.from_iterable(_in_turn(pool, _profile_job, jobs, ahead=workers * _JOBS_PER_THREAD)), hours)
        whole = Part(rows=sum(part.rows for part in slices), columns=sums.columns())
        segments = _divide_slices(pool, slices, schema, whole, workers) if schema.segments else {}
    return Profile(schema_id=schema.id, rows=whole.rows, columns=whole.columns, segments=segments, hours=hours.total())


def pin_and_profile_parquet(
    model: str,
    columns: Mapping[str, ColumnType],
    sources: Sequence[str | Path | bytes],
    *,
    rows: int,
    threads: int | None = None,
) -> tuple[ProfileSchema, Profile]:
    """Pin a profile schema from the first rows of Parquet files, and profile the files under it.

    Equals `pin_columns` on these rows and `profile_parquet`, but reads each row once.

    Args:
        model: Name of the model.
        columns: Names of the features, with their types as in a spec.
        sources: Local paths, or the bytes of files.
        rows: Number of rows from which the schema is pinned.
        threads: Number of threads; by default the number of cores.

    Raises:
        SchemaMismatchError: the type of a column does not match its declared type.
        DataError: a file is not a Parquet file, or is damaged.
    """
    slices = _open(sources)
    starts = accumulate((part.rows for part in slices), initial=0)
    head = [part for part, start in zip(slices, starts, strict=False) if start < rows]
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="profile") as pool:
        parts = list(pool.map(lambda name: _pin_and_profile(name, columns[name], head, rows), columns))
        schema = ProfileSchema(model=model, columns=tuple(part.schema for part in parts))
        sums = _ColumnSums(schema.columns)
        hours = HourSums(schema, None)
        sums.add_all(((part, None) for part in parts), hours)
        rest = _jobs(slices[len(head) :], schema.columns, hours)
        sums.add_all(chain.from_iterable(_in_turn(pool, _profile_job, rest, ahead=workers * _JOBS_PER_THREAD)), hours)
    profile = Profile(schema_id=schema.id, rows=sum(part.rows for part in slices), columns=sums.columns())
    return schema, profile


def _open(sources: Sequence[str | Path | bytes]) -> list[RowGroups]:
    return [part for at, source in enumerate(sources) for part in ParquetSource.open(source, at).slices()]


def _jobs(slices: Iterable[RowGroups], columns: Sequence[ColumnSchema], hours: HourSums) -> Iterator[_CountedJob]:
    for part in slices:
        read = hours.open(part)
        for job in part.jobs(columns):
            yield job, [hours.counter(schema, read) for schema in job.schemas]


def _pin_and_profile(name: str, declared: ColumnType, slices: Sequence[RowGroups], rows: int) -> ColumnProfile:
    """Pin the column from the first rows and profile all slices; only those first rows are held in memory."""
    numbered = _numbered_chunks(pin_column(name, declared, ()), slices)
    held: list[tuple[int, pa.Array]] = []
    for start, chunk in numbered:
        held.append((start, chunk))
        if start + len(chunk) >= rows:
            break
    pinned = pin_column(name, declared, [chunk.slice(0, max(rows - start, 0)) for start, chunk in held])
    return _profile_chunks(pinned, (chunk for _, chunk in chain(held, numbered)))


def _numbered_chunks(column: ColumnSchema, slices: Iterable[RowGroups]) -> Iterator[tuple[int, pa.Array]]:
    """Yield the chunks of a column with the number of their first row; rows of a file without it are counted too."""
    first = 0
    for part in slices:
        start = first
        for [chunk] in chain.from_iterable(map(read_file_columns, part.jobs([column]))):
            yield start, chunk
            start += len(chunk)
        first += part.rows


def _divide_slices(
    pool: ThreadPoolExecutor, slices: Sequence[RowGroups], schema: ProfileSchema, whole: Part, workers: int
) -> dict[str, Segment]:
    """Build the segments of the files; rows are read again only for segments with more than one part."""
    counted = {pinned.name: Counter[str | None]() for pinned in schema.segments}
    for found in _in_turn(pool, partial(_count_job, schema), slices, ahead=workers):
        for name, counts in found.items():
            counted[name] += counts
    simple = {pinned.name: build_undivided(pinned, counted[pinned.name], whole) for pinned in schema.segments}
    divided = [pinned for pinned in schema.segments if simple[pinned.name] is None]
    sums: dict[str, _Parts] = {pinned.name: {} for pinned in divided}
    for parts in _in_turn(pool, partial(_split_job, schema, divided), slices if divided else [], ahead=workers):
        for name, own in parts.items():
            _add_parts(sums[name], own)
    return {
        pinned.name: simple[pinned.name] or build_divided(pinned, sums[pinned.name], schema.columns)
        for pinned in schema.segments
    }


def _count_job(schema: ProfileSchema, part: RowGroups) -> dict[str, Counter[str | None]]:
    names = [name for pinned in schema.segments for name in pinned.columns]
    counted = {pinned.name: Counter[str | None]() for pinned in schema.segments}
    for rows in read_rows(part, names):
        for pinned in schema.segments:
            counted[pinned.name] += count_values(rows, pinned)
    return counted


def _split_job(schema: ProfileSchema, divided: Sequence[SegmentSchema], part: RowGroups) -> dict[str, _Parts]:
    names = [name for column in schema.columns for name in column.sources]
    names += [name for pinned in divided for name in pinned.columns]
    sums: dict[str, _Parts] = {pinned.name: {} for pinned in divided}
    for rows in read_rows(part, names, schema.columns):
        known = with_derived(rows, schema.columns)
        for pinned in divided:
            _add_parts(sums[pinned.name], _profile_parts(known, schema, pinned))
    return sums


def _profile_parts(rows: pa.Table, schema: ProfileSchema, pinned: SegmentSchema) -> _Parts:
    return {value: _profile_rows(own, schema) for value, own in split(rows, pinned)}


def _add_parts(sums: _Parts, parts: _Parts) -> None:
    for value, part in parts.items():
        sums[value] = sum_parts([sums[value], part]) if value in sums else part


def _profile_rows(table: pa.Table, schema: ProfileSchema) -> Part:
    columns = {
        column.name: _profile_chunks(column, table.column(column.name).chunks)
        if column.name in table.column_names
        else empty_column(column)
        for column in schema.columns
    }
    return Part(rows=table.num_rows, columns=columns)


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[_Job], _Found], jobs: Iterable[_Job], *, ahead: int
) -> Iterator[_Found]:
    """Yield the result of each job; at most `ahead` jobs are running or waiting to be consumed."""
    under_way: deque[Future[_Found]] = deque()
    try:
        for job in jobs:
            under_way.append(pool.submit(work, job))
            if len(under_way) >= ahead:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()


def _profile_job(found: _CountedJob) -> list[_Counted]:
    job, counters = found
    chunks = read_file_columns(job)
    by_column: Iterable[Iterable[pa.Array]] = [(chunk for [chunk] in chunks)]
    try:
        if len(job.schemas) > 1:
            by_column = list(zip(*chunks, strict=True)) or [()] * len(job.schemas)
        return [
            (_profile_chunks(schema, own, counter), counter)
            for schema, own, counter in zip(job.schemas, by_column, counters, strict=True)
        ]
    except SchemaMismatchError as error:
        facts = {**error.facts, "file": job.source.name}
        raise SchemaMismatchError(f"{job.source.name}: {error.message}", hint=error.hint, **facts) from error


def _profile_chunks(
    schema: ColumnSchema, chunks: Iterable[pa.Array], hours: HourlyCounter | None = None
) -> ColumnProfile:
    counter = make_counter(schema)
    for chunk in chunks:
        counter.add(chunk, hours)
    return counter.profile()


class _ColumnSums:
    """Running sums of the columns; parts are added in batches, which costs less."""

    def __init__(self, columns: Iterable[ColumnSchema]) -> None:
        self._parts = {column.name: [empty_column(column)] for column in columns}

    def add_all(self, found: Iterable[_Counted], hours: HourSums) -> None:
        for part, counter in found:
            if counter:
                hours.add(counter)
            parts = self._parts[part.schema.name]
            parts.append(part)
            if len(parts) >= _PENDING_SUMS:
                parts[:] = [sum_columns(parts)]

    def columns(self) -> dict[str, ColumnProfile]:
        return {name: sum_columns(parts) for name, parts in self._parts.items()}
