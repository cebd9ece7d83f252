"""Model versions on the page of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.evaluation.columns import drifted, evaluated
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
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
        verdicts: Verdicts on its columns that have drifted in all rows; others are not tested by version.
        baselines: Titles of these baselines.
    """

    name: str
    rows: int
    share: float
    metrics: Mapping[str, MetricValue]
    verdicts: Mapping[str, Verdict]
    baselines: tuple[str, ...]

    @property
    def drifted(self) -> list[str]:
        """Return the names of its drifted columns."""
        return drifted(self.verdicts)

    @property
    def evaluated(self) -> int:
        """Return the number of its columns with enough data."""
        return len(evaluated(self.verdicts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Comparison of a version with the one that it replaces, on the days that both served.

    Attributes:
        champion: The version that is replaced.
        challenger: The version that replaces it.
        days: The days on which both scored enough rows.
        rows: Rows of the champion and of the challenger on these days.
        columns: Distance of the challenger's rows from the champion's.
        verdicts: Verdicts on each column, by sampling error only.
        differences: Differences of their outputs and their performance.
    """

    champion: str
    challenger: str
    days: tuple[date, ...]
    rows: tuple[int, int]
    columns: tuple[ColumnDrift, ...]
    verdicts: Mapping[str, Verdict]
    differences: tuple[Difference, ...]

    @property
    def differing(self) -> list[tuple[ColumnDrift, Verdict]]:
        """Return the columns that differ most, the largest effect size first."""
        found = [(column, self.verdicts[column.column]) for column in self.columns if column.column in self.verdicts]
        differing = [(column, verdict) for column, verdict in found if verdict.state is VerdictState.BREACH]
        return sorted(differing, key=lambda pair: -abs(pair[1].effect or 0.0))[:_MOST_COLUMNS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Model versions of a day, and their changes."""

    mark: str
    rows: tuple[VersionRow, ...]
    challenges: tuple[Challenge, ...]
