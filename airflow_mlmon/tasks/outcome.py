"""Outcome profile: additive summary of predictions and their labels, exact to the bit."""

from __future__ import annotations

from typing import Any, Protocol

from airflow_mlmon.profiles.columns.column import ColumnProfile


class OutcomeProfile(Protocol):
    """Summary of predictions and their labels; profiles of one task add up, and no two tasks mix."""

    @property
    def rows(self) -> int:
        """Predictions."""
        ...

    @property
    def label(self) -> ColumnProfile:
        """The ordinary column profile of the labels that have come."""
        ...

    def __add__(self, other: Any) -> Any:
        """Sum two profiles."""
        ...

    def __sub__(self, part: Any) -> Any:
        """Subtract the profile of a part of the rows."""
        ...

    def to_bytes(self) -> bytes:
        """Encode the profile as bytes that are the same on every platform."""
        ...
