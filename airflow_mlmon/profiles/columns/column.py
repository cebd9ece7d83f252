"""Operations on the profile of a column of any kind."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind

ColumnProfile = NumericProfile | CategoryProfile | IdentifierProfile | VectorProfile

_PROFILES: dict[Kind, type[ColumnProfile]] = {
    Kind.NUMERIC: NumericProfile,
    Kind.CATEGORY: CategoryProfile,
    Kind.IDENTIFIER: IdentifierProfile,
    Kind.VECTOR: VectorProfile,
}


def empty_column(schema: ColumnSchema) -> ColumnProfile:
    """Return the profile of no rows."""
    return _PROFILES[schema.kind].empty(schema)


def subtract_column(whole: ColumnProfile, part: ColumnProfile) -> ColumnProfile:
    """Subtract the profile of a part of the rows from that of all of them.

    Unlike counts and sums, extremes and distinct values of the rest are not known: they are None.
    """
    match whole, part:
        case NumericProfile(), NumericProfile():
            return whole.without(part)
        case CategoryProfile(), CategoryProfile():
            return whole.without(part)
    raise TypeError(f"no subtraction of {whole.schema.kind} and {part.schema.kind} columns")


def sum_columns(parts: Iterable[ColumnProfile]) -> ColumnProfile:
    """Sum one or more profiles of one column."""
    first, *rest = parts
    # profiles of one schema hold a column in one kind only
    return type(first).sum_of((first, *rest))  # type: ignore[arg-type]
