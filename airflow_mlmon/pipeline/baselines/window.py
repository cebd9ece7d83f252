"""The days that are compared with a baseline: one, or a window of days in sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A day, or a window of days in sum.

    Attributes:
        days: Its days, the oldest first.
        own: Those of them whose profile is the reference's own.
    """

    days: tuple[date, ...]
    own: frozenset[date] = frozenset()
