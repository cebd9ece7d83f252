"""Attributions of a spec: which column, or element of a vector, attributes the score to which feature."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.section import UnknownNameError

_FEATURES = (Role.FEATURE, Role.TEXT)


def attributable(columns: Mapping[str, Column]) -> tuple[str, ...]:
    """Return the archived features of the model, in the order of the spec; a text is one, whatever is derived of it."""
    return tuple(name for name, column in columns.items() if column.role in _FEATURES and not column.personal)


def check_attributions(columns: Mapping[str, Column]) -> None:
    """Check that attributions are of features, once each, or one vector with an element for each."""
    features = attributable(columns)
    found = {name: column for name, column in columns.items() if column.role is Role.ATTRIBUTION}
    held: dict[str, str] = {}
    for name, column in found.items():
        key = f"predictions.columns.{name}"
        if column.type is ColumnType.VECTOR and len(found) > 1:
            raise ValueError(f"{key}.role: a vector of attributions stands alone; {len(found)} columns have that role")
        if column.type is ColumnType.VECTOR and column.dimension != len(features):
            raise ValueError(
                f"{key}.dimension: must be the number of features, {len(features)}, in the order of the spec"
            )
        if column.feature is None:
            continue
        if column.feature not in features:
            raise UnknownNameError(f"{key}.feature", column.feature, features)
        if column.feature in held:
            raise ValueError(f"{key}.feature: {column.feature!r} has an attribution already: {held[column.feature]!r}")
        held[column.feature] = name
