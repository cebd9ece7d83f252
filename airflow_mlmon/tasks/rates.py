"""Rates of a group of rows, by which groups are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_mlmon.statistics.intervals import (
    Interval,
    interval_around,
    share_interval,
    share_ratio_interval,
    wilson_interval,
)
from airflow_mlmon.tasks.rate_kind import RateKind


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """Share of some rows of a group, or mean over them.

    Attributes:
        kind: What it is.
        of: The class that it is about; empty where there is one only.
        value: Its value; None without rows.
        rows: The rows that it is a share or a mean of.
        hits: Rows that count; None of a mean.
        deviation: Standard deviation of single values of a mean.
    """

    kind: RateKind
    of: str = ""
    value: float | None
    rows: int
    hits: int | None = None
    deviation: float = 0.0

    @classmethod
    def of_counts(cls, kind: RateKind, hits: int, rows: int, of: str = "") -> GroupRate:
        """Return the share of rows that count."""
        return cls(kind=kind, of=of, value=hits / rows if rows else None, rows=rows, hits=hits)

    @property
    def title(self) -> str:
        """Name of the rate on pages."""
        return f"{self.kind} of {self.of}" if self.of else str(self.kind)

    @property
    def interval(self) -> Interval | None:
        """Wilson's interval of a share, the normal one of a mean."""
        if self.hits is not None:
            return wilson_interval(self.hits, self.rows)
        if self.value is None or self.rows <= 1 or not self.deviation:
            return None
        return interval_around(self.value, self.deviation**2 / self.rows)

    def text(self, value: float | None = None, unit: str = " %") -> str:
        """Write a value of it, by default its own; of a share in percent."""
        number = self.value if value is None else value
        if number is None or not math.isfinite(number):
            return "none"
        return f"{number:.3g}" if self.hits is None else f"{100 * number:.1f}{unit}"


def difference_interval(smaller: GroupRate, larger: GroupRate) -> Interval | None:
    """Return Agresti and Caffo's interval of the difference of two shares, Welch's of that of two means."""
    if smaller.hits is not None and larger.hits is not None:
        return share_interval(smaller.hits, smaller.rows, larger.hits, larger.rows)
    if smaller.value is None or larger.value is None:
        return None
    variance = smaller.deviation**2 / smaller.rows + larger.deviation**2 / larger.rows
    return interval_around(larger.value - smaller.value, variance) if variance else None


def ratio_interval(smaller: GroupRate, larger: GroupRate) -> Interval | None:
    """Return Katz's interval of the ratio of two shares."""
    if smaller.hits is None or larger.hits is None:
        return None
    return share_ratio_interval(smaller.hits, smaller.rows, larger.hits, larger.rows)
