"""The outcome profile: what is kept of predictions and their labels, additive bit for bit."""

from __future__ import annotations

from typing import Any, Protocol

from airflow_mlmon.profiles.columns.column import ColumnProfile


class OutcomeProfile(Protocol):
    """What is kept of some predictions and their labels; those of one task add up, and no two tasks mix."""

    @property
    def rows(self) -> int:
        """Predictions."""
        ...

    @property
    def label(self) -> ColumnProfile:
        """The ordinary column profile of the labels that have come."""
        ...

    def __add__(self, other: Any) -> Any:
        """The profile of the rows of both."""
        ...

    def __sub__(self, part: Any) -> Any:
        """The profile of the rows that are not in a part of them."""
        ...

    def to_bytes(self) -> bytes:
        """The profile as bytes that are the same on every platform."""
        ...
