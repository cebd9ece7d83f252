"""Rows on disk while a partition is prepared, so that memory does not grow with the day."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.groups import cut_groups, is_full, repeating_columns

Positions = npt.NDArray[np.int64]

# row groups that wait for the writer: one, so that reading goes on meanwhile
_PENDING = 1


class Spooled(NamedTuple):
    """Rows of one row group of a spool, with their positions."""

    table: pa.Table
    positions: Positions


class Spool:
    """Parquet file that grows by tables, in row groups that depend on the rows alone.

    A table with more digits of a decimal or wider elements of a vector widens the schema; the rows before it are
    converted once the spool is finished. Row groups are encoded in a thread, so a fault of the disk may be raised by a
    later call.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.rows = 0
        self._folder, self._name = folder, name
        self._parts: list[Path] = []
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self._buffer: list[pa.Table] = []
        self._buffered = self._bytes = 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._pending: deque[Future[None]] = deque()

    @classmethod
    def restore(cls, folder: Path, name: str, path: Path) -> Self:
        """Take up a finished file again."""
        spool = cls(folder, name)
        with pq.ParquetFile(path) as file:
            spool.rows, spool._schema = file.metadata.num_rows, file.schema_arrow
        spool._parts = [path]
        return spool

    @property
    def schema(self) -> pa.Schema:
        """Schema of the rows added so far."""
        assert self._schema is not None  # noqa: S101 - the first table may be empty, but comes
        return self._schema

    def add(self, table: pa.Table) -> None:
        """Append rows; the first table may have none, but has the schema."""
        table = self._widen(table)
        if not table.num_rows:
            # an empty slice would hold on to the rows that it was cut from
            return
        self._buffer.append(table)
        self._buffered += table.num_rows
        self._bytes += table.nbytes
        self.rows += table.num_rows
        if is_full(self._buffered, self._bytes, self.schema):
            groups, rest = cut_groups(pa.concat_tables(self._buffer))
            for group in groups:
                self._submit(group)
            self._buffer, self._buffered, self._bytes = [rest], rest.num_rows, rest.nbytes

    def blocks(self, columns: Sequence[str] | None = None, at: Positions | None = None) -> Iterator[Spooled]:
        """Yield the rows of a finished spool in order, a row group at a time.

        Args:
            columns: columns to read; by default all.
            at: ascending positions of the rows that are wanted; by default all. Row groups without any are not read.
        """
        start = 0
        for part in self._parts:
            with pq.ParquetFile(part, page_checksum_verification=True, pre_buffer=False) as file:
                for group in range(file.num_row_groups):
                    end = start + file.metadata.row_group(group).num_rows
                    here = np.arange(start, end) if at is None else at[slice(*np.searchsorted(at, [start, end]))]
                    if len(here):
                        table = file.read_row_group(group, columns=None if columns is None else list(columns))
                        yield Spooled(table if at is None else table.take(pa.array(here - start)), here)
                    start = end

    def take(self, positions: Positions, columns: Sequence[str]) -> pa.Table:
        """Return columns of the rows at ascending positions of a finished spool."""
        empty = pa.Table.from_batches([], pa.schema([self.schema.field(name) for name in columns]))
        return pa.concat_tables([empty, *(block.table.select(columns) for block in self.blocks(columns, positions))])

    def finish(self) -> Path:
        """Write what is buffered, and return the file with all rows."""
        self._flush()
        if not self._parts:
            self._submit(self.schema.empty_table())
        self._end_part()
        if len(self._parts) > 1:
            whole = Spool(self._folder, f"{self._name}.whole")
            whole.add(self.schema.empty_table())
            for block in self.blocks():
                whole.add(block.table.cast(self.schema))
            path = whole.finish()
            self.remove()
            self._parts = [path]
        self._pool.shutdown()
        return self._parts[0]

    def remove(self) -> None:
        """Delete the rows."""
        for part in self._parts:
            part.unlink()
        self._parts = []

    def _widen(self, table: pa.Table) -> pa.Table:
        if self._schema is None:
            self._schema = table.schema
        if table.schema.equals(self._schema):
            return table
        common = pa.unify_schemas([self._schema, table.schema], promote_options="permissive")
        if not common.equals(self._schema):
            self._flush()
            self._end_part()
            self._schema = common
        return table.cast(common)

    def _flush(self) -> None:
        if self._buffered:
            self._submit(pa.concat_tables(self._buffer))
        self._buffer, self._buffered, self._bytes = [], 0, 0

    def _submit(self, table: pa.Table) -> None:
        if self._writer is None:
            self._parts.append(self._folder / f"{self._name}.{len(self._parts)}.parquet")
            self._writer = pq.ParquetWriter(
                self._parts[-1],
                table.schema,
                compression="zstd",
                write_page_checksum=True,
                use_dictionary=repeating_columns(table),
                # those of texts are compared for a twentieth of the time of writing, and nothing asks for them
                write_statistics=[field.name for field in table.schema if not pa.types.is_string(field.type)],
            )
        while len(self._pending) > _PENDING:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(_write, self._writer, table))

    def _end_part(self) -> None:
        while self._pending:
            self._pending.popleft().result()
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _write(writer: pq.ParquetWriter, table: pa.Table) -> None:
    writer.write_table(table.combine_chunks(), row_group_size=max(table.num_rows, 1))
