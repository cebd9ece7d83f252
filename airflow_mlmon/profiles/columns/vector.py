"""The profile of a vector, such as an embedding: its norm as a number, and exact sums per dimension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import pyarrow as pa

from airflow_mlmon.profiles.columns.dimensions import DimensionCounter, DimensionSums
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.layout import ColumnLayout
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.profiles.values.vectors import read_vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorProfile:
    """What is kept of the rows of a column of vectors.

    Attributes:
        layout: What is pinned of the column.
        norm: The profile of the Euclidean norms: NaN where an element is, else infinite where one is.
        malformed: Rows whose vector has another dimension, or an element that is null.
        dimensions: The sums per dimension of the finite vectors.
    """

    layout: ColumnLayout
    norm: NumericProfile
    malformed: int = 0
    dimensions: DimensionSums = field(default_factory=DimensionSums)

    @classmethod
    def empty(cls, layout: ColumnLayout) -> Self:
        """The profile of no rows."""
        return cls(layout=layout, norm=NumericProfile.empty(layout))

    @classmethod
    def of(cls, layout: ColumnLayout, chunks: Iterable[pa.Array]) -> Self:
        """The profile of the vectors of a column, which come in chunks.

        Raises:
            SchemaMismatchError: the column holds something else than lists of numbers.
        """
        counter = DimensionCounter(layout.dimension or 1, layout.element_quantum or 1.0)
        malformed: list[int] = []

        def norms(chunk: pa.Array) -> Numbers:
            vectors = read_vectors(chunk, layout.name, layout.dimension or 1)
            malformed.append(vectors.malformed)
            return Numbers(values=counter.add(vectors.elements), nulls=vectors.nulls)

        norm = NumericProfile.of(layout, map(norms, chunks))
        return cls(layout=layout, norm=norm, malformed=sum(malformed), dimensions=counter.total())

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """The profile of all the rows of one or more profiles of the same layout."""
        return cls(
            layout=parts[0].layout,
            norm=NumericProfile.sum_of([part.norm for part in parts]),
            malformed=sum(part.malformed for part in parts),
            dimensions=DimensionSums.sum_of(part.dimensions for part in parts),
        )

    @property
    def rows(self) -> int:
        """Rows of the tables that had the column."""
        return self.norm.rows + self.malformed

    @property
    def nulls(self) -> int:
        """Rows without a vector."""
        return self.norm.nulls

    @property
    def observed(self) -> int:
        """Rows with a finite vector."""
        return self.norm.observed

    @property
    def missing(self) -> int:
        """Rows without a usable vector: null, malformed, or with an element that is NaN."""
        return self.norm.missing + self.malformed

    @property
    def far(self) -> int:
        """Finite vectors too far out for the sums per dimension."""
        return self.observed - self.dimensions.rows
