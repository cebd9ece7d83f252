"""Spec keys that coarsen the values of a column, so that they say less of a person."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator

from airflow_mlmon.spec.choices import ColumnType

_PERIODS = ("hour", "day", "month", "year")


def _read_step(step: Any) -> Any:
    is_number = isinstance(step, int | float) and not isinstance(step, bool)
    if step in _PERIODS or (is_number and 0 < step < math.inf):
        return step
    raise ValueError(f"must be a number above 0, or one of {', '.join(_PERIODS)}, not {step!r}")


Step = Annotated[int | float | str, BeforeValidator(_read_step)]

_NUMBERS = (ColumnType.INTEGER, ColumnType.FLOAT)


def check_truncated(kind: ColumnType) -> None:
    """Check that values of a type can be truncated.

    Raises:
        ValueError: they are no texts.
    """
    if kind not in (ColumnType.STRING, ColumnType.CATEGORY):
        raise ValueError(f"truncate: only for type string or category, not {kind}; use generalise")


def check_step(step: float | str, kind: ColumnType) -> None:
    """Check that values of a type can be rounded down to multiples of a step.

    Raises:
        ValueError: they are of another type, or the step is.
    """
    if kind not in (*_NUMBERS, ColumnType.TIMESTAMP):
        raise ValueError(f"generalise: only for type integer, float or timestamp, not {kind}")
    if isinstance(step, str) is not (kind is ColumnType.TIMESTAMP):
        wanted = "hour, day, month or year" if kind is ColumnType.TIMESTAMP else "a number"
        raise ValueError(f"generalise: the step of type {kind} must be {wanted}, not {step!r}")
    if kind is ColumnType.INTEGER and not isinstance(step, int):
        raise ValueError(f"generalise: the step of type integer must be a whole number, not {step!r}")
