"""Reading of Parquet columns, a few row groups at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import DataError
from airflow_mlmon.profiles.engine.derived import derive, group_derived
from airflow_mlmon.profiles.schema import ColumnSchema, Kind

_SLICE_ROWS = 1 << 20
ROWS_AT_ONCE = 1 << 17
_ELEMENTS_AT_ONCE = 1 << 22
_BUFFER_BYTES = 1 << 20
_thread = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSource:
    """Parquet file whose footer has been read.

    Attributes:
        content: Local path, or bytes.
        name: Name in error messages.
        footer: Metadata of the file, so that other threads need not read it again.
        columns: Names of its columns.
    """

    content: str | bytes
    name: str
    footer: pq.FileMetaData
    columns: frozenset[str]

    @classmethod
    def open(cls, source: str | Path | bytes, position: int) -> Self:
        """Read the footer of the file at `position`, counted from 0, among several.

        Raises:
            DataError: it cannot be read, or is not a Parquet file.
        """
        content = source if isinstance(source, bytes) else str(source)
        name = f"file {position + 1}" if isinstance(content, bytes) else content
        with _named(name):
            file = pq.ParquetFile(_to_input(content))
            return cls(content=content, name=name, footer=file.metadata, columns=frozenset(file.schema_arrow.names))

    @property
    def rows(self) -> int:
        """Number of rows of the file."""
        return int(self.footer.num_rows)

    def slices(self) -> Iterator[RowGroups]:
        """Yield the row groups in order, with neighbours joined to about a million rows."""
        groups: list[int] = []
        rows = 0
        for group in range(self.footer.num_row_groups):
            size = self.footer.row_group(group).num_rows
            if groups and rows + size > _SLICE_ROWS:
                yield RowGroups(source=self, groups=tuple(groups), rows=rows)
                groups, rows = [], 0
            groups.append(group)
            rows += size
        if groups:
            yield RowGroups(source=self, groups=tuple(groups), rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroups:
    """Row groups of a file, and their number of rows."""

    source: ParquetSource
    groups: tuple[int, ...]
    rows: int

    def jobs(self, columns: Sequence[ColumnSchema]) -> Iterator[ColumnJob]:
        """Yield the jobs that read these columns, if the file has them.

        What is derived alike is read at once, together with its source, unless that is read as a dictionary.
        """
        groups = [tuple(alike) for alike in group_derived(columns)]
        derived = {alike[0].sources: alike for alike in groups if alike[0].derived}
        plain = {alike[0].sources for alike in groups if not alike[0].derived and alike[0].kind is not Kind.CATEGORY}
        for alike in groups:
            sources = alike[0].sources
            is_read_with_source = alike[0].derived and sources in plain
            if not is_read_with_source and self.source.columns.issuperset(sources):
                further = derived.get(sources, ()) if sources in plain else ()
                yield ColumnJob(source=self.source, groups=self.groups, schemas=(*alike, *further))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnJob:
    """Row groups of one column of a file, and of the columns that are derived from the same sources."""

    source: ParquetSource
    groups: tuple[int, ...]
    schemas: tuple[ColumnSchema, ...]


def read_file_columns(job: ColumnJob) -> Iterator[Sequence[pa.Array]]:
    """Yield the values of the job's columns, in arrays of at most a million rows or four million elements.

    Raises:
        DataError: the column cannot be read, e.g. because a page is damaged.
    """
    first = job.schemas[0]
    derivations = [schema.derived for schema in job.schemas if schema.derived]
    with _named(job.source.name, first.sources[0]):
        file = _open(job.source, as_dictionary=first)
        batches = file.iter_batches(
            limit_rows([first], _SLICE_ROWS),
            row_groups=list(job.groups),
            columns=list(first.sources),
            use_threads=False,
        )
        for batch in batches:
            # by name: Arrow also selects "x.y" when asked for "x"
            sources = [batch.column(name) for name in first.sources]
            plain = [] if first.derived else sources
            yield [*plain, *derive(derivations, sources)] if derivations else plain


def read_rows(part: RowGroups, names: Iterable[str], columns: Sequence[ColumnSchema] = ()) -> Iterator[pa.Table]:
    """Yield columns of row groups, if the file has them, about a hundred thousand rows at a time.

    Args:
        part: Row groups.
        names: Names of the columns.
        columns: Pinned schemas of those that may be vectors, of which fewer rows are read at a time.

    Raises:
        DataError: a column cannot be read, e.g. because a page is damaged.
    """
    wanted = [name for name in dict.fromkeys(names) if name in part.source.columns]
    with _named(part.source.name):
        file = _open(part.source, as_dictionary=None)
        rows = limit_rows(columns, ROWS_AT_ONCE)
        for batch in file.iter_batches(rows, row_groups=list(part.groups), columns=wanted, use_threads=False):
            # by name: Arrow also selects "x.y" when asked for "x"
            yield pa.Table.from_batches([batch]).select(wanted)


def limit_rows(columns: Iterable[ColumnSchema], most: int) -> int:
    """Compute the number of rows, up to `most`, at which no vector column exceeds four million elements."""
    widest = max((column.dimension or 1 for column in columns), default=1)
    return max(min(most, _ELEMENTS_AT_ONCE // widest), 1)


def _open(source: ParquetSource, as_dictionary: ColumnSchema | None) -> pq.ParquetFile:
    """Open the file for this thread; a category is read as a dictionary."""
    is_read_so = as_dictionary and as_dictionary.kind is Kind.CATEGORY and not as_dictionary.derived
    dictionary = as_dictionary.name if as_dictionary and is_read_so else None
    if getattr(_thread, "source", None) is not source or _thread.dictionary != dictionary:
        _thread.file = pq.ParquetFile(
            _to_input(source.content),
            metadata=source.footer,
            read_dictionary=[dictionary] if dictionary else None,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,
        )
        _thread.source, _thread.dictionary = source, dictionary
    return _thread.file


def _to_input(content: str | bytes) -> str | pa.BufferReader:
    return pa.BufferReader(content) if isinstance(content, bytes) else content


@contextmanager
def _named(file: str, column: str | None = None) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        where = f"Column {column!r} of {file}" if column else file
        raise DataError(
            f"{where} cannot be read: {error}", hint="rewrite the file", file=file, column=column
        ) from error
