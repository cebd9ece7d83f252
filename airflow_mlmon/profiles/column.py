"""The profile of one column, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_mlmon.profiles.category import CategoryProfile
from airflow_mlmon.profiles.layout import ColumnLayout, Kind
from airflow_mlmon.profiles.numeric import NumericProfile

ColumnProfile = NumericProfile | CategoryProfile


def empty_column(layout: ColumnLayout) -> ColumnProfile:
    """The profile of no rows."""
    return NumericProfile.empty(layout) if layout.kind is Kind.NUMERIC else CategoryProfile.empty(layout)


def sum_columns(parts: Iterable[ColumnProfile]) -> ColumnProfile:
    """The profile of one column over all the rows of one or more profiles of it."""
    first, *rest = parts
    # Profiles of one layout hold a column in one kind only.
    return type(first).sum_of((first, *rest))  # type: ignore[arg-type]
