"""Bins of a column, the same for the rows of a sample and for its profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.arrays import Floats

_BINS = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleBins:
    """Bins of a column: between quantiles of the sample, or the vocabulary and one for all other values.

    Attributes:
        edges: Edges between the bins of numbers.
        vocabulary: Values of a category.
        places: Bin of each row of the sample; -1 without a value.
    """

    edges: Floats
    vocabulary: tuple[str, ...]
    places: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: pa.ChunkedArray, column: ColumnProfile) -> Self | None:
        """Bin the values of a sample; None for a column that is neither a number nor a category."""
        if isinstance(column, CategoryProfile):
            vocabulary = column.schema.vocabulary
            found = pc.index_in(values.cast(pa.string()), value_set=pa.array(vocabulary, pa.string()))
            places = found.fill_null(len(vocabulary)).to_numpy(zero_copy_only=False).astype(np.int64)
            return cls(edges=np.zeros(0), vocabulary=vocabulary, places=places)
        is_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
        if not (isinstance(column, NumericProfile) and is_number):
            return None
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        is_held = np.isfinite(numbers)
        edges = np.zeros(0)
        if is_held.any():
            edges = np.unique(np.quantile(numbers[is_held], np.linspace(0, 1, _BINS + 1)[1:-1]))
        places = np.searchsorted(edges, np.where(is_held, numbers, 0.0), side="right")
        return cls(edges=edges, vocabulary=(), places=np.where(is_held, places, -1).astype(np.int64))

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.vocabulary) + 1 if self.vocabulary else len(self.edges) + 1

    def counts(self, column: ColumnProfile) -> Floats:
        """Count the values of a profile by bin."""
        if isinstance(column, CategoryProfile):
            known = column.known.spread(np.arange(len(self.vocabulary)))
            return np.append(known, column.unseen_rows).astype(np.float64)
        if isinstance(column, NumericProfile):
            points = column.distribution.points
            places = np.searchsorted(self.edges, points.keys + column.schema.centre, side="right")
            return np.bincount(places, weights=points.counts, minlength=self.size).astype(np.float64)
        return np.zeros(self.size)
