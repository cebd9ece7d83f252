"""Profile of a numeric column: counts, extremes, exact sums and the distribution.

Nulls, NaN and infinities are counted separately. Sums and distribution cover the deviations of the finite values
from the pinned centre; the sums are integers in units of the pinned quantum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Self

import numpy as np

from airflow_mlmon.profiles.columns.counting import NumericCounter
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.statistics.intervals import Interval, interval_around

_FLOAT_BITS = 1_000
# a standard deviation of fewer quanta is one of rounding
_FEW_QUANTA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericProfile:
    """Profile of a numeric column.

    Attributes:
        schema: Pinned schema of the column.
        rows: Rows of the tables that had the column.
        nulls: Rows without a value.
        nans: Rows that hold NaN.
        positive_infinities: Rows that hold +inf.
        negative_infinities: Rows that hold -inf.
        min: Smallest finite value.
        max: Largest finite value.
        total: Sum of the deviations, each rounded to an integer number of quanta.
        squares: Sum of the squares of these integers.
        distribution: Counts of the deviations.
    """

    schema: ColumnSchema
    rows: int = 0
    nulls: int = 0
    nans: int = 0
    positive_infinities: int = 0
    negative_infinities: int = 0
    min: float | None = None
    max: float | None = None
    total: int = 0
    squares: int = 0
    distribution: Distribution = field(default_factory=Distribution)

    @classmethod
    def empty(cls, schema: ColumnSchema) -> Self:
        """Return the profile of no rows."""
        return cls(schema=schema, distribution=Distribution(pinned_atoms=schema.atoms))

    @classmethod
    def of(cls, schema: ColumnSchema, chunks: Iterable[Numbers], *, is_summed_only: bool = False) -> Self:
        """Profile the values of a column, given in chunks; one that is only summed has no distribution."""
        counter = NumericCounter(schema, is_summed_only=is_summed_only)
        for chunk in chunks:
            counter.add(chunk)
        return cls.of_counter(schema, counter)

    @classmethod
    def of_counter(cls, schema: ColumnSchema, counter: NumericCounter) -> Self:
        """Return the profile of the values counted so far."""
        return cls(
            schema=schema,
            rows=counter.rows,
            nulls=counter.nulls,
            nans=counter.nans,
            positive_infinities=counter.positive_infinities,
            negative_infinities=counter.negative_infinities,
            min=counter.min,
            max=counter.max,
            total=counter.total,
            squares=counter.squares,
            distribution=counter.distribution(),
        )

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more profiles of the same schema."""
        return cls(
            schema=parts[0].schema,
            rows=sum(part.rows for part in parts),
            nulls=sum(part.nulls for part in parts),
            nans=sum(part.nans for part in parts),
            positive_infinities=sum(part.positive_infinities for part in parts),
            negative_infinities=sum(part.negative_infinities for part in parts),
            min=min((part.min for part in parts if part.min is not None), default=None),
            max=max((part.max for part in parts if part.max is not None), default=None),
            total=sum(part.total for part in parts),
            squares=sum(part.squares for part in parts),
            distribution=Distribution.sum_of([part.distribution for part in parts]),
        )

    def without(self, part: Self) -> Self:
        """Return the profile of all rows but those of a part; its extremes are unknown, hence None."""
        return type(self)(
            schema=self.schema,
            rows=self.rows - part.rows,
            nulls=self.nulls - part.nulls,
            nans=self.nans - part.nans,
            positive_infinities=self.positive_infinities - part.positive_infinities,
            negative_infinities=self.negative_infinities - part.negative_infinities,
            total=self.total - part.total,
            squares=self.squares - part.squares,
            distribution=self.distribution.without(part.distribution),
        )

    @property
    def infinities(self) -> int:
        """Rows that hold +inf or -inf."""
        return self.positive_infinities + self.negative_infinities

    @property
    def observed(self) -> int:
        """Rows with a finite value."""
        return self.rows - self.nulls - self.nans - self.infinities

    @property
    def missing(self) -> int:
        """Rows without a usable value: null or NaN."""
        return self.nulls + self.nans

    @property
    def distinct(self) -> int | None:
        """Number of distinct values; None for more than 1,024, where they are not counted one by one.

        No sketch extends the count: even the cheapest hash of each value would take an eighth of the time in
        which a million doubles are profiled.
        """
        return len(self.distribution.values) if self.distribution.is_exact else None

    @property
    def is_blurred(self) -> bool:
        """Return whether the pinned quantum is too coarse for these values: they spread over no more than a few.

        A quantum of 1 is exact for integers; of values that are summed alone it is not known.
        """
        is_exact = self.schema.integer and self.schema.quantum == 1.0
        if is_exact or not self.observed or self.distribution.rows != self.observed:
            return False
        return self.observed * self.squares - self.total**2 < (_FEW_QUANTA * self.observed) ** 2

    @property
    def mean(self) -> float | None:
        """Mean of the finite values, within half a quantum of the exact one; None if the quantum is too coarse.

        Of values that are counted one by one, it is then theirs.
        """
        if not self.observed:
            return None
        if self.is_blurred:
            exact = self._exact()
            return None if exact is None else exact[0]
        deviation = Fraction(self.total, self.observed) * Fraction(self.schema.quantum)
        return float(Fraction(self.schema.centre) + deviation)

    @property
    def std(self) -> float | None:
        """Population standard deviation of the finite values, within about half a quantum; None like the mean."""
        rows = self.observed
        if not rows:
            return None
        if self.is_blurred:
            exact = self._exact()
            return None if exact is None else exact[1]
        spread = rows * self.squares - self.total**2
        if spread.bit_length() < _FLOAT_BITS:
            return math.sqrt(spread) / rows * self.schema.quantum
        return float(Fraction(math.isqrt(spread), rows) * Fraction(self.schema.quantum))

    def _exact(self) -> tuple[float, float] | None:
        """Compute mean and standard deviation from the values; None if they are not counted one by one."""
        if not self.distribution.is_exact:
            return None
        values = self.distribution.values
        mean = math.fsum(values.keys * values.counts) / self.observed
        squares = math.fsum((values.keys - mean) ** 2 * values.counts)
        return self.schema.centre + mean, math.sqrt(squares / self.observed)

    @property
    def mean_interval(self) -> Interval | None:
        """95 % interval of the mean; None of fewer than two values and of equal ones."""
        mean, std, degrees = self.mean, self.std, self.observed - 1
        if mean is None or not std or degrees < 1:
            return None
        low, high = (mean + std * end for end in interval_around(0.0, 1 / degrees))
        return (low, high) if math.isfinite(low) and math.isfinite(high) else None

    def quantile(self, share: float) -> float | None:
        """Compute a quantile: the smallest value that `share` of the values do not exceed; on the grid, a midpoint."""
        points = self.distribution.points
        if not len(points):
            return None
        position = int(np.searchsorted(np.cumsum(points.counts), share * points.rows))
        return self.schema.centre + float(points.keys[min(position, len(points) - 1)])
