"""Profile of an identifier column: the number of distinct values, but no value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.schema import ColumnSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierProfile:
    """Profile of a column of identifiers.

    Attributes:
        schema: Pinned schema of the column.
        rows: Rows of the tables that had the column.
        nulls: Rows without a value.
        sketch: Sketch of the distinct values.
    """

    schema: ColumnSchema
    rows: int = 0
    nulls: int = 0
    sketch: DistinctSketch

    @classmethod
    def empty(cls, schema: ColumnSchema) -> Self:
        """Return the profile of no rows."""
        return cls(schema=schema, sketch=DistinctSketch.empty())

    @classmethod
    def of(cls, schema: ColumnSchema, texts: pa.Array, *, rows: int, nulls: int) -> Self:
        """Profile texts without nulls; repeated texts may be left out."""
        return cls(schema=schema, rows=rows, nulls=nulls, sketch=DistinctSketch.of(texts))

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more profiles of the same schema."""
        return cls(
            schema=parts[0].schema,
            rows=sum(part.rows for part in parts),
            nulls=sum(part.nulls for part in parts),
            sketch=DistinctSketch.sum_of([part.sketch for part in parts]),
        )

    @property
    def observed(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls

    @property
    def distinct(self) -> int:
        """Estimated number of distinct values; exact up to 1,024."""
        return round(self.sketch.estimate)
