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


def sum_columns(parts: Iterable[ColumnProfile]) -> ColumnProfile:
    """Sum one or more profiles of one column."""
    first, *rest = parts
    # profiles of one schema hold a column in one kind only
    return type(first).sum_of((first, *rest))  # type: ignore[arg-type]
