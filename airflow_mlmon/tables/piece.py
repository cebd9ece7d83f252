"""Piece of a data set: rows of one file, or of one frame, that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows with their origin.

    Attributes:
        origin: File, or name of the frame, for messages.
        table: Rows.
        is_text: Whether all values are text as written, as in CSV.
        unread: Parquet file that still holds the rows; the table then has only the columns.
        unread_rows: Number of its rows.
    """

    origin: str
    table: pa.Table
    is_text: bool = False
    unread: Path | None = None
    unread_rows: int = 0

    @property
    def rows(self) -> int:
        """Number of rows, read or not."""
        return int(self.table.num_rows) + self.unread_rows


def no_rows(schema: pa.Schema) -> pa.Table:
    """Return the table of a schema without rows; unlike `Schema.empty_table` this imports no pandas."""
    return pa.Table.from_batches([], schema)


def check_names(names: Sequence[str], origin: str) -> None:
    """Reject columns that share a name.

    Raises:
        SchemaMismatchError: two columns have the same name.
    """
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise SchemaMismatchError(f"Column {twice[0]!r} occurs twice in {origin}.", column=twice[0], file=origin)
