"""Hours of a day: counts of its rows, and of the values of its columns, by hour of event time.

Counts and sums are integers, so they add up bit for bit, as the rest of a profile does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from airflow_mlmon.statistics.arrays import Counts

HOURS = 24
# numeric columns with sums by hour; the missing values of all are counted
MOST_SUMMED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Event times of the rows, and the time zone of their hours."""

    column: str
    zone: str = "UTC"


def _none() -> Counts:
    return np.zeros(HOURS, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyColumn:
    """Values of a column by hour.

    Attributes:
        rows: Rows of the tables that had the column.
        missing: Those without a usable value: null or NaN.
        observed: Finite values; 0 of a column whose values are not summed.
        totals: Sums of their deviations from the centre, in units of the quantum.
    """

    rows: Counts
    missing: Counts
    observed: Counts = field(default_factory=_none)
    totals: tuple[int, ...] = (0,) * HOURS

    def plus(self, other: HourlyColumn) -> HourlyColumn:
        """Add the values of other rows."""
        return HourlyColumn(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            observed=self.observed + other.observed,
            totals=tuple(map(sum, zip(self.totals, other.totals, strict=True))),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Hours:
    """Rows with an event time, and the values of their columns, by hour; a column has a row in each matrix.

    Attributes:
        names: Names of the columns.
        summed: Names of those whose values are summed.
        rows: Rows by hour.
        held: Rows of the tables that had the column.
        missing: Those without a usable value: null or NaN.
        observed: Finite values of the summed columns.
        totals: Sums of their deviations from the centre, in units of the quantum, column by column.
    """

    names: tuple[str, ...]
    summed: tuple[str, ...]
    rows: Counts
    held: Counts
    missing: Counts
    observed: Counts
    totals: tuple[int, ...]

    def __eq__(self, other: object) -> bool:
        """Compare all counts and sums."""
        if not isinstance(other, Hours):
            return NotImplemented
        ours, theirs = self._counts(), other._counts()
        return (self.names, self.summed, self.totals) == (other.names, other.summed, other.totals) and all(
            map(np.array_equal, ours, theirs)
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, schema: ProfileSchema, rows: Counts, columns: Mapping[str, HourlyColumn]) -> Hours:
        """Collect the columns of a schema by hour; one that is not given has no rows."""
        names, summed = named_columns(schema)
        none = HourlyColumn(rows=_none(), missing=_none())
        found = {name: columns.get(name, none) for name in names}
        return cls(
            names=names,
            summed=summed,
            rows=rows,
            held=_matrix(found[name].rows for name in names),
            missing=_matrix(found[name].missing for name in names),
            observed=_matrix(found[name].observed for name in summed),
            totals=tuple(total for name in summed for total in found[name].totals),
        )

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def _summed_places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.summed)}

    def _counts(self) -> tuple[Counts, ...]:
        return self.rows, self.held, self.missing, self.observed

    def column(self, name: str) -> HourlyColumn | None:
        """Return a column by hour; None if it is not among the columns."""
        at, place = self._places.get(name), self._summed_places.get(name)
        if at is None:
            return None
        if place is None:
            return HourlyColumn(rows=self.held[at], missing=self.missing[at])
        return HourlyColumn(
            rows=self.held[at],
            missing=self.missing[at],
            observed=self.observed[place],
            totals=self.totals[place * HOURS : (place + 1) * HOURS],
        )


def named_columns(schema: ProfileSchema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns that are counted by hour, and the numeric ones that are summed: the first of the schema."""
    numeric = [column.name for column in schema.columns if column.kind is Kind.NUMERIC]
    return tuple(column.name for column in schema.columns), tuple(numeric[:MOST_SUMMED])


def sum_hours(parts: Sequence[Hours]) -> Hours:
    """Sum the hours of one or more profiles of the same schema."""
    first = parts[0]
    return Hours(
        names=first.names,
        summed=first.summed,
        rows=_sum(part.rows for part in parts),
        held=_sum(part.held for part in parts),
        missing=_sum(part.missing for part in parts),
        observed=_sum(part.observed for part in parts),
        totals=tuple(map(sum, zip(*(part.totals for part in parts), strict=True))),
    )


def _sum(parts: Iterable[Counts]) -> Counts:
    first, *rest = parts
    total = first.copy()
    for part in rest:
        total += part
    return total


def _matrix(rows: Iterable[Counts]) -> Counts:
    return np.array(list(rows), dtype=np.int64).reshape(-1, HOURS)
