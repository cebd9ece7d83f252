"""Profile of a vector column, such as an embedding: its norm as a number, and exact sums per dimension."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import pyarrow as pa

from airflow_mlmon.profiles.columns.counting import NumericCounter
from airflow_mlmon.profiles.columns.dimensions import DimensionCounter, DimensionSums
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.profiles.values.vectors import read_vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorProfile:
    """Profile of a column of vectors.

    Attributes:
        schema: Pinned schema of the column.
        norm: Profile of the Euclidean norms: NaN if an element is NaN, else infinite if one is.
        malformed: Rows whose vector has another dimension, or a null element.
        dimensions: Sums per dimension of the finite vectors.
    """

    schema: ColumnSchema
    norm: NumericProfile
    malformed: int = 0
    dimensions: DimensionSums = field(default_factory=DimensionSums)

    @classmethod
    def empty(cls, schema: ColumnSchema) -> Self:
        """Return the profile of no rows."""
        return cls(schema=schema, norm=NumericProfile.empty(schema))

    @classmethod
    def of(cls, schema: ColumnSchema, chunks: Iterable[pa.Array]) -> Self:
        """Profile the vectors of a column, given in chunks.

        Raises:
            SchemaMismatchError: the column does not hold lists of numbers.
        """
        counter = VectorCounter(schema)
        for chunk in chunks:
            counter.add(chunk)
        return cls.of_counter(schema, counter)

    @classmethod
    def of_counter(cls, schema: ColumnSchema, counter: VectorCounter) -> Self:
        """Return the profile of the vectors counted so far."""
        return cls(
            schema=schema,
            norm=NumericProfile.of_counter(schema, counter.norms),
            malformed=counter.malformed,
            dimensions=counter.dimensions.total(),
        )

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more profiles of the same schema."""
        return cls(
            schema=parts[0].schema,
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
        """Rows without a usable vector: null, malformed, or with a NaN element."""
        return self.norm.missing + self.malformed

    @property
    def far(self) -> int:
        """Finite vectors too far out for the sums per dimension."""
        return self.observed - self.dimensions.rows


class VectorCounter:
    """Counter of the vectors of one column over any number of arrays.

    Attributes:
        norms: Counter of their norms.
        dimensions: Counter of their elements.
        malformed: Rows whose vector has another dimension, or a null element.
    """

    def __init__(self, schema: ColumnSchema) -> None:
        self._schema = schema
        self.norms = NumericCounter(schema)
        self.dimensions = DimensionCounter(schema.dimension or 1, schema.element_quantum or 1.0)
        self.malformed = 0

    def add(self, chunk: pa.Array) -> None:
        """Count the vectors of an array.

        Raises:
            SchemaMismatchError: it does not hold lists of numbers.
        """
        vectors = read_vectors(chunk, self._schema.name, self._schema.dimension or 1)
        self.malformed += vectors.malformed
        self.norms.add(Numbers(values=self.dimensions.add(vectors.elements), nulls=vectors.nulls))
