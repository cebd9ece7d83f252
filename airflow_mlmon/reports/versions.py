"""Model versions on the page of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift, DriftState
from airflow_mlmon.tasks.contrast import Difference

_MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One model version of the day.

    Attributes:
        name: The version.
        rows: Number of rows that it scored.
        share: Its share of the rows of the day.
        metrics: Metrics of its own rows.
        drift: Drift of its columns against its own baseline.
        baselines: Titles of these baselines.
    """

    name: str
    rows: int
    share: float
    metrics: Mapping[str, float | None]
    drift: tuple[ColumnDrift, ...]
    baselines: tuple[str, ...]

    @property
    def beyond(self) -> list[str]:
        """Names of its columns that are beyond their limit."""
        return [column.column for column in self.drift if column.state is DriftState.BEYOND]

    @property
    def judged(self) -> int:
        """How many of its columns have a limit."""
        return sum(column.state is not DriftState.INSUFFICIENT_DATA for column in self.drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Comparison of a version with the one that it replaces, on the days that both served.

    Attributes:
        champion: The version that is replaced.
        challenger: The version that replaces it.
        nights: The days on which both scored enough rows.
        rows: Rows of the champion and of the challenger on these days.
        columns: Distance of the challenger's rows from the champion's, without a limit.
        differences: Differences of their outputs and their performance.
    """

    champion: str
    challenger: str
    nights: tuple[date, ...]
    rows: tuple[int, int]
    columns: tuple[ColumnDrift, ...]
    differences: tuple[Difference, ...]

    @property
    def farthest(self) -> list[ColumnDrift]:
        """Return the columns that differ most, the largest distance first."""
        scored = [column for column in self.columns if column.score is not None]
        return sorted(scored, key=lambda column: -(column.score or 0))[:_MOST_COLUMNS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Model versions of a day, and their changes."""

    mark: str
    rows: tuple[VersionRow, ...]
    challenges: tuple[Challenge, ...]
