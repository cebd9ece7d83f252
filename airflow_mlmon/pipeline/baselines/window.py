"""Days that are compared with a baseline: one day, or a window of days in sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A day, or a window of days in sum.

    Attributes:
        days: Its days, the oldest first.
        own: The days among them that belong to the reference.
    """

    days: tuple[date, ...]
    own: frozenset[date] = frozenset()
