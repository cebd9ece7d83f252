"""Rows of a day in memory, as checks read those of the workspace."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a table."""

    held: pa.Table

    @classmethod
    def of(cls, frame: pd.DataFrame) -> TableRows:
        """Hold the rows of a frame."""
        return cls(pa.Table.from_pandas(frame, preserve_index=False))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.held.num_rows)

    @property
    def scalars(self) -> tuple[str, ...]:
        """Columns that are no vectors."""
        return tuple(field.name for field in self.held.schema if not pa.types.is_nested(field.type))

    def batches(
        self, columns: Collection[str], where_there: Collection[str] = (), size: int = 1_000
    ) -> Iterator[pa.Table]:
        """Yield the rows of some columns in batches."""
        read = self.table(columns, where_there)
        for start in range(0, read.num_rows, size):
            yield read.slice(start, size)

    def table(self, columns: Collection[str], where_there: Collection[str] = ()) -> pa.Table:
        """Return the rows of some columns at once."""
        return self.held.select([*columns, *(name for name in where_there if name in self.held.column_names)])
