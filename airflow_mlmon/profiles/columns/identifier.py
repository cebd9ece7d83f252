"""Profile of an identifier column: the number of distinct values, but no value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa

from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.layout import ColumnLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierProfile:
    """Profile of a column of identifiers.

    Attributes:
        layout: Pinned schema of the column.
        rows: Rows of the tables that had the column.
        nulls: Rows without a value.
        sketch: Sketch of the distinct values.
    """

    layout: ColumnLayout
    rows: int = 0
    nulls: int = 0
    sketch: DistinctSketch

    @classmethod
    def empty(cls, layout: ColumnLayout) -> Self:
        """Return the profile of no rows."""
        return cls(layout=layout, sketch=DistinctSketch.empty())

    @classmethod
    def of(cls, layout: ColumnLayout, texts: pa.Array, *, rows: int, nulls: int) -> Self:
        """Profile texts without nulls; repeated texts may be left out."""
        return cls(layout=layout, rows=rows, nulls=nulls, sketch=DistinctSketch.of(texts))

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more profiles of the same schema."""
        return cls(
            layout=parts[0].layout,
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
