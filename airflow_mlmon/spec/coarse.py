"""Spec keys that coarsen the values of a column, so that they say less of a person."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from airflow_mlmon.spec.choices import ColumnType, Role

if TYPE_CHECKING:
    from airflow_mlmon.spec.column import Column

_PERIODS = ("hour", "day", "month", "year")


def _check_step_alone(step: Any) -> Any:
    is_number = isinstance(step, int | float) and not isinstance(step, bool)
    if step in _PERIODS or (is_number and 0 < step < math.inf):
        return step
    raise ValueError(f"must be a number above 0, or one of {', '.join(_PERIODS)}, not {step!r}")


Step = Annotated[int | float | str, BeforeValidator(_check_step_alone)]

_TEXTS = (ColumnType.STRING, ColumnType.CATEGORY)
_NUMBERS = (ColumnType.INTEGER, ColumnType.FLOAT)
_ROLES = (Role.FEATURE, Role.IGNORED)


def check_coarse(column: Column) -> None:
    """Check that the values of a column can be coarsened as declared.

    Raises:
        ValueError: they cannot, or nothing would be left to monitor.
    """
    for key, is_set in (("truncate", column.truncate is not None), ("generalise", column.generalise is not None)):
        if is_set and column.role not in _ROLES:
            raise ValueError(f"{key}: only for a feature or an ignored column, not {column.role}")
        if is_set and column.personal is not None:
            raise ValueError(f"{key}: the column is personal: {column.personal} already; remove one of the two")
    if column.truncate is not None and column.type not in _TEXTS:
        raise ValueError(f"truncate: only for type string or category, not {column.type}; use generalise")
    if column.generalise is not None:
        _check_step_of_type(column)


def _check_step_of_type(column: Column) -> None:
    step, kind = column.generalise, column.type
    if kind not in (*_NUMBERS, ColumnType.TIMESTAMP):
        raise ValueError(f"generalise: only for type integer, float or timestamp, not {kind}")
    if isinstance(step, str) is not (kind is ColumnType.TIMESTAMP):
        wanted = "hour, day, month or year" if kind is ColumnType.TIMESTAMP else "a number"
        raise ValueError(f"generalise: the step of type {kind} must be {wanted}, not {step!r}")
    if kind is ColumnType.INTEGER and not isinstance(step, int):
        raise ValueError(f"generalise: the step of type integer must be a whole number, not {step!r}")
