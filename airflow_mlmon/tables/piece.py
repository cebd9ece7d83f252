"""Piece of a data set: rows of one file, or of one frame, that fit into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError

ROWS = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows with their origin.

    Attributes:
        origin: File, or name of the frame, for messages.
        table: Rows.
        is_text: Whether all values are text as written, as in CSV.
        times_are_texts: Whether times and dates are texts, as in JSON.
        repeated: Names that occur twice in the file; the rows lack these columns.
        unread: Parquet file that still holds the rows; the table then has only the columns.
        unread_rows: Number of its rows.
        metadata: Key-value metadata of the file, in its first piece.
    """

    origin: str
    table: pa.Table
    is_text: bool = False
    times_are_texts: bool = False
    repeated: tuple[str, ...] = ()
    unread: Path | None = None
    unread_rows: int = 0
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows, read or not."""
        return int(self.table.num_rows) + self.unread_rows


def no_rows(schema: pa.Schema) -> pa.Table:
    """Return the table of a schema without rows; unlike `Schema.empty_table` this imports no pandas."""
    return pa.Table.from_batches([], schema)


def slice_rows(table: pa.Table, rows: int = ROWS) -> Iterator[pa.Table]:
    """Yield the rows of a table, at most `rows` at a time."""
    for start in range(0, table.num_rows, rows):
        yield table if table.num_rows <= rows else table.slice(start, rows)


def repeated_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that occur twice, sorted.

    >>> repeated_names(["b", "a", "b"])
    ('b',)
    """
    return tuple(sorted(name for name, times in Counter(names).items() if times > 1))


def check_names(names: Sequence[str], origin: str) -> None:
    """Reject columns that share a name.

    Raises:
        SchemaMismatchError: two columns have the same name.
    """
    if twice := repeated_names(names):
        raise SchemaMismatchError(f"Column {twice[0]!r} occurs twice in {origin}.", column=twice[0], file=origin)
