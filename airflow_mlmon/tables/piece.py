"""A piece of a data set: rows of one file, or of one frame, that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows and where they come from.

    Attributes:
        origin: The file, or what the frame is called, for messages.
        table: The rows.
        is_text: Whether values are as they were written, all of them text, as in CSV.
        unread: The Parquet file that still holds the rows; the table then shows its columns alone.
        unread_rows: How many rows it holds.
    """

    origin: str
    table: pa.Table
    is_text: bool = False
    unread: Path | None = None
    unread_rows: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are, read or not."""
        return int(self.table.num_rows) + self.unread_rows


def no_rows(schema: pa.Schema) -> pa.Table:
    """The table of a schema without rows; unlike `Schema.empty_table` this imports no pandas."""
    return pa.Table.from_batches([], schema)


def check_names(names: Sequence[str], origin: str) -> None:
    """Refuse columns that share a name.

    Raises:
        SchemaMismatchError: two columns have the same name.
    """
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise SchemaMismatchError(f"Column {twice[0]!r} of {origin} is there twice.", column=twice[0], file=origin)
