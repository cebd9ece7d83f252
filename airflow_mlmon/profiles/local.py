"""The local engine: Arrow tables or Parquet files in, their profile out, each column read once.

Parquet files are profiled as a stream: one job reads some row groups of one column, counts them and
forgets them, so memory is bounded by the jobs under way and not by the rows. Profiles add up bit for
bit, so neither the number of threads nor the order in which jobs end changes the result.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.category import CategoryProfile
from airflow_mlmon.profiles.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.identifier import IdentifierProfile
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.profiles.numeric import NumericProfile
from airflow_mlmon.profiles.parquet import ColumnJob, ParquetSource, RowGroups, read_column
from airflow_mlmon.profiles.pinning import pin_column
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.reading import count_texts, read_numbers, read_texts
from airflow_mlmon.spec.choices import ColumnType

_PENDING_SUMS = 16
_JOBS_PER_THREAD = 4


def profile_table(table: pa.Table, layout: Layout) -> Profile:
    """The profile of the table's rows under a layout.

    A column that the table lacks has a profile of no rows, while the table's rows are counted.

    Raises:
        SchemaMismatchError: a column is of a type that its kind cannot be read from.
    """
    names = set(table.column_names)
    columns = {
        column.name: _profile_chunks(column, table.column(column.name).chunks)
        for column in layout.columns
        if column.name in names
    }
    empty = Profile.empty(layout)
    return Profile(layout_id=layout.id, rows=table.num_rows, columns={**empty.columns, **columns})


def profile_parquet(sources: Sequence[str | Path | bytes], layout: Layout, *, threads: int | None = None) -> Profile:
    """The profile of the rows of all the Parquet files, the same as that of their table.

    Args:
        sources: Local paths, or the bytes of files.
        layout: What is pinned of the columns; a column that a file lacks has no rows there.
        threads: How many threads count; by default as many as there are cores.

    Raises:
        SchemaMismatchError: a column is of a type that its kind cannot be read from.
        DataError: a file is no Parquet file, or damaged.
    """
    slices = _open(sources)
    sums = _ColumnSums(layout.columns)
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="profile") as pool:
        sums.add_all(_in_turn(pool, _jobs(slices, layout.columns), ahead=workers * _JOBS_PER_THREAD))
    return Profile(layout_id=layout.id, rows=sum(part.rows for part in slices), columns=sums.columns())


def pin_and_profile_parquet(
    model: str,
    columns: Mapping[str, ColumnType],
    sources: Sequence[str | Path | bytes],
    *,
    rows: int,
    threads: int | None = None,
) -> tuple[Layout, Profile]:
    """The layout that fits the first rows of all the Parquet files best, and their profile under it.

    They are those of `pin_columns` on these rows and of `profile_parquet`, but no row is read twice.

    Args:
        model: What the layout is of.
        columns: Names of the features, and their types as a spec would declare them.
        sources: Local paths, or the bytes of files.
        rows: How many rows the layout is pinned from.
        threads: How many threads count; by default as many as there are cores.

    Raises:
        SchemaMismatchError: a column is of a type that its declared type cannot be read from.
        DataError: a file is no Parquet file, or damaged.
    """
    slices = _open(sources)
    starts = accumulate((part.rows for part in slices), initial=0)
    head = [part for part, start in zip(slices, starts, strict=False) if start < rows]
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers, thread_name_prefix="profile") as pool:
        parts = list(pool.map(lambda name: _pin_and_profile(name, columns[name], head, rows), columns))
        layout = Layout(model=model, columns=tuple(part.layout for part in parts))
        sums = _ColumnSums(layout.columns)
        sums.add_all(parts)
        rest = _jobs(slices[len(head) :], layout.columns)
        sums.add_all(_in_turn(pool, rest, ahead=workers * _JOBS_PER_THREAD))
    profile = Profile(layout_id=layout.id, rows=sum(part.rows for part in slices), columns=sums.columns())
    return layout, profile


def _open(sources: Sequence[str | Path | bytes]) -> list[RowGroups]:
    return [part for at, source in enumerate(sources) for part in ParquetSource.open(source, at).slices()]


def _jobs(slices: Iterable[RowGroups], columns: Sequence[ColumnLayout]) -> Iterator[ColumnJob]:
    return chain.from_iterable(part.jobs(columns) for part in slices)


def _pin_and_profile(name: str, declared: ColumnType, slices: Sequence[RowGroups], rows: int) -> ColumnProfile:
    """What the first rows pin, and the profile of all the slices, of which no more is held than pins."""
    numbered = _numbered_chunks(pin_column(name, declared, ()), slices)
    held: list[tuple[int, pa.Array]] = []
    for start, chunk in numbered:
        held.append((start, chunk))
        if start + len(chunk) >= rows:
            break
    pinned = pin_column(name, declared, [chunk.slice(0, max(rows - start, 0)) for start, chunk in held])
    return _profile_chunks(pinned, (chunk for _, chunk in chain(held, numbered)))


def _numbered_chunks(column: ColumnLayout, slices: Iterable[RowGroups]) -> Iterator[tuple[int, pa.Array]]:
    """The chunks of a column, each with the number of its first row; a file without it has rows all the same."""
    first = 0
    for part in slices:
        start = first
        for chunk in chain.from_iterable(map(read_column, part.jobs([column]))):
            yield start, chunk
            start += len(chunk)
        first += part.rows


def _in_turn(pool: ThreadPoolExecutor, jobs: Iterable[ColumnJob], *, ahead: int) -> Iterator[ColumnProfile]:
    """The profiles of the jobs, of which only some are under way or waiting to be taken."""
    under_way: deque[Future[ColumnProfile]] = deque()
    try:
        for job in jobs:
            under_way.append(pool.submit(_profile_job, job))
            if len(under_way) >= ahead:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()


def _profile_job(job: ColumnJob) -> ColumnProfile:
    try:
        return _profile_chunks(job.layout, read_column(job))
    except SchemaMismatchError as error:
        facts = {**error.facts, "file": job.source.name}
        raise SchemaMismatchError(f"{job.source.name}: {error.message}", hint=error.hint, **facts) from error


def _profile_chunks(layout: ColumnLayout, chunks: Iterable[pa.Array]) -> ColumnProfile:
    if layout.kind is Kind.CATEGORY:
        parts = [CategoryProfile.of(layout, count_texts(chunk, layout.name)) for chunk in chunks]
        return CategoryProfile.sum_of([CategoryProfile.empty(layout), *parts])
    if layout.kind is Kind.IDENTIFIER:
        named = [_profile_identifier(layout, chunk) for chunk in chunks]
        return IdentifierProfile.sum_of([IdentifierProfile.empty(layout), *named])
    return NumericProfile.of(layout, (read_numbers(chunk, layout.name) for chunk in chunks))


def _profile_identifier(layout: ColumnLayout, chunk: pa.Array) -> IdentifierProfile:
    nulls = pc.sum(chunk.is_null()).as_py() if pa.types.is_dictionary(chunk.type) else chunk.null_count
    return IdentifierProfile.of(layout, read_texts(chunk, layout.name), rows=len(chunk), nulls=nulls or 0)


class _ColumnSums:
    """Running sums of the columns; parts are added many at a time, which costs less."""

    def __init__(self, columns: Iterable[ColumnLayout]) -> None:
        self._parts = {column.name: [empty_column(column)] for column in columns}

    def add_all(self, found: Iterable[ColumnProfile]) -> None:
        for part in found:
            parts = self._parts[part.layout.name]
            parts.append(part)
            if len(parts) >= _PENDING_SUMS:
                parts[:] = [sum_columns(parts)]

    def columns(self) -> dict[str, ColumnProfile]:
        return {name: sum_columns(parts) for name, parts in self._parts.items()}
