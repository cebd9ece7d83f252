"""Columns whose values divide the rows of a model: those of segments, and the protected ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_mlmon.spec.choices import ColumnType, PersonalData, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.fairness import Fairness
from airflow_mlmon.spec.section import UnknownNameError

_UNDIVIDED = {Role.ID, Role.TIME, Role.SCORE, Role.VERSION, Role.TRACE, Role.GROUP, Role.ITEM}
_DIVIDING = {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.INTEGER}


def check_divisions(
    segments: Sequence[tuple[str, ...]], fairness: Fairness | None, columns: Mapping[str, Column]
) -> None:
    """Check that the columns of segments and the protected ones can divide the rows.

    Raises:
        ValueError: a column is unknown, personal, or of a role or type that cannot, or a segment is listed twice.
    """
    for position, segment in enumerate(segments):
        for name in segment:
            key = f"segments.{position}"
            column = _known(name, key, columns)
            if column.personal is not None:
                raise ValueError(f"{key}: {name!r} is personal; its values would appear on pages")
            _divides(name, key, column)
    if len(set(segments)) < len(segments):
        raise ValueError("segments: the same segment is listed twice")
    for position, name in enumerate(fairness.columns if fairness else ()):
        key = f"fairness.columns.{position}"
        column = _known(name, key, columns)
        if column.personal is PersonalData.DROP:
            raise ValueError(f"{key}: {name!r} is dropped as personal; use `personal: hash`")
        _divides(name, key, column)


def _known(name: str, key: str, columns: Mapping[str, Column]) -> Column:
    if name not in columns:
        raise UnknownNameError(key, name, columns)
    return columns[name]


def _divides(name: str, key: str, column: Column) -> None:
    if column.role in _UNDIVIDED or column.type not in _DIVIDING:
        raise ValueError(
            f"{key}: {name!r} is a {column.type} of role {column.role}; a segment must be a "
            "category, string, boolean or integer column; the version is always one"
        )
