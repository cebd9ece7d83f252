"""Columns of one file: all of them, and those that are read."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from airflow_mlmon.tables.nested import drop_columns, flatten_objects
from airflow_mlmon.tables.piece import Piece, no_rows, repeated_names, slice_rows
from airflow_mlmon.tables.reading import Reading


class Shape:
    """Columns of a file whose schema is known before its rows.

    Attributes:
        wanted: Columns that are to be decoded.
    """

    def __init__(self, origin: str, schema: pa.Schema, reading: Reading) -> None:
        self._origin = origin
        self._reading = reading
        empty = no_rows(schema)
        shown = empty if reading.nested else flatten_objects(empty)
        self._twice = repeated_names(shown.column_names)
        outer = repeated_names(schema.names)
        self._empty = drop_columns(shown, self._twice)
        self.wanted = [name for name in schema.names if name not in outer and self._is_wanted(name)]

    def head(self) -> Piece:
        """Return a piece with every column and no row."""
        return Piece(origin=self._origin, table=self._empty, repeated=self._twice)

    def piece(self, rows: pa.Table) -> Piece:
        """Return rows of the wanted columns as a piece."""
        shown = rows if self._reading.nested else flatten_objects(rows)
        return Piece(origin=self._origin, table=drop_columns(shown, self._twice), repeated=self._twice)

    def rows_alone(self, count: int) -> Iterator[Piece]:
        """Yield rows without columns: none is wanted, yet each of them counts."""
        for rows in slice_rows(pa.table({"": pa.nulls(count)})):
            yield self.piece(rows.select([]))

    def _is_wanted(self, name: str) -> bool:
        columns = self._reading.columns
        return columns is None or name in columns or any(column.startswith(f"{name}.") for column in columns)
