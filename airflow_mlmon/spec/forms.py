"""Columns derived from the form of texts when rows are profiled: no text is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_mlmon.spec.choices import ColumnType, Role

if TYPE_CHECKING:
    # a comparison has no spec and need not import pydantic
    from airflow_mlmon.spec.column import Column

_TEXTS = (ColumnType.STRING, ColumnType.CATEGORY)


class FormFeature(StrEnum):
    """Number or category derived from the form of a text."""

    LENGTH = "length"
    PATTERN = "pattern"
    SHAPE = "shape"
    DAMAGED = "damaged"


FORM_TYPES = {
    FormFeature.LENGTH: ColumnType.INTEGER,
    FormFeature.PATTERN: ColumnType.CATEGORY,
    FormFeature.SHAPE: ColumnType.CATEGORY,
    FormFeature.DAMAGED: ColumnType.BOOLEAN,
}
_OF_ROLE = {
    Role.FEATURE: (FormFeature.LENGTH, FormFeature.PATTERN, FormFeature.DAMAGED),
    Role.ID: (FormFeature.LENGTH, FormFeature.SHAPE),
}


def derived_of_forms(columns: Mapping[str, Column]) -> dict[str, tuple[str, FormFeature]]:
    """Return what may be derived from ids and from texts that are features, by name: the text and the feature.

    A declared column of the same name is not derived.

    >>> from airflow_mlmon.spec.column import Column
    >>> list(derived_of_forms({"key": Column(type=ColumnType.STRING, role=Role.ID)}))
    ['key.length', 'key.shape']
    """
    return {
        f"{name}.{feature}": (name, feature)
        for name, column in columns.items()
        if column.type in _TEXTS and column.personal is None
        for feature in _OF_ROLE.get(column.role, ())
        if f"{name}.{feature}" not in columns
    }
