"""What the page of a night shows of the versions that served it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift, DriftState
from airflow_mlmon.tasks.contrast import Difference

VERSION_METRICS = ("score_mean", "predicted_positive_share", "label_share", "accuracy", "roc_auc", "log_loss")
_MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version of the night.

    Attributes:
        name: The version.
        rows: How many rows it scored.
        share: Of the rows of the night.
        metrics: What its own rows give, by metric.
        drift: Its columns against its own baseline.
        baselines: What that is, in words.
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
    """A version beside the one that it replaces, on the nights that both served.

    Attributes:
        champion: The version that is replaced.
        challenger: The version that replaces it.
        nights: The nights on which both scored enough rows.
        rows: Rows of the champion, and of the challenger, on these nights.
        columns: How far the challenger's rows lie from the champion's; there is no limit.
        differences: What the two put out, and how well.
    """

    champion: str
    challenger: str
    nights: tuple[date, ...]
    rows: tuple[int, int]
    columns: tuple[ColumnDrift, ...]
    differences: tuple[Difference, ...]

    @property
    def farthest(self) -> list[ColumnDrift]:
        """The columns that lie farthest apart, the farthest first."""
        scored = [column for column in self.columns if column.score is not None]
        return sorted(scored, key=lambda column: -(column.score or 0))[:_MOST_COLUMNS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of a night, and what happened to them."""

    mark: str
    rows: tuple[VersionRow, ...]
    challenges: tuple[Challenge, ...]
