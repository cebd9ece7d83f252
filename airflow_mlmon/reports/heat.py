"""The heat map of drift: columns by days, each cell the score in units of its limit.

Shades are safe for the colour-blind, and a cell beyond its limit is higher than one within it, so that
nothing hangs on colour alone. Cells of one shade that stand side by side are one stroke: a year is small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from airflow_mlmon.drift.compare import DriftState
from airflow_mlmon.records import MetricValue

MAX_DAYS = 120
MAX_COLUMNS = 40
# upper ends, in units of the limit, of all shades but the last
SHADES = (0.5, 1.0, 1.5, 2.5)
_FIRST_BEYOND = 2
_WIDTH = 720
_WIDEST_CELL = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A day on which a column was beyond its limit; `at` is its place among the days."""

    day: date
    at: int
    shade: int
    score: float
    limit: float
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One column over the days.

    Attributes:
        column: The column.
        strokes: By shade, the SVG path of the days within the limit; None for days without a verdict.
        beyond: The days beyond the limit.
        judged: Days with a score and a limit.
        worst: The day with the largest score in units of its limit.
    """

    column: str
    strokes: Mapping[int | None, str]
    beyond: tuple[HeatCell, ...]
    judged: int
    worst: HeatCell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """The columns that drifted most, over the days up to the last."""

    days: tuple[date, ...]
    rows: tuple[HeatRow, ...]
    left_out: int

    @property
    def width(self) -> int:
        """Width of a row in CSS pixels."""
        return min(_WIDTH, _WIDEST_CELL * len(self.days))


def heat_map(
    days: Sequence[date], scores: Iterable[tuple[date, MetricValue]], hrefs: Mapping[date, str]
) -> HeatMap | None:
    """The map of the drift scores of some days, with at most 40 columns; None where there is no score.

    Args:
        days: consecutive days, oldest first; the last 120 are shown.
        scores: values of the metric `drift_score`, with their limit and state in the detail.
        hrefs: the pages of the days.
    """
    shown = tuple(days[-MAX_DAYS:])
    columns: dict[str, dict[date, MetricValue]] = {}
    for day, value in scores:
        if value.column is not None and shown and day >= shown[0]:
            columns.setdefault(value.column, {})[day] = value
    rows = sorted((_row(column, shown, values, hrefs) for column, values in columns.items()), key=_rank)
    if not rows:
        return None
    return HeatMap(days=shown, rows=tuple(rows[:MAX_COLUMNS]), left_out=max(0, len(rows) - MAX_COLUMNS))


def shade_of(score: float, limit: float) -> int:
    """The shade of a score: 0 and 1 within the limit, 2 to 4 beyond it.

    >>> shade_of(0.1, 0.2), shade_of(0.2, 0.2), shade_of(0.21, 0.2), shade_of(9.0, 0.2), shade_of(0.0, 0.0)
    (0, 1, 2, 4, 0)
    """
    if score <= limit:
        return 0 if score <= SHADES[0] * limit else 1
    return next((shade for shade in (2, 3) if score <= SHADES[shade] * limit), len(SHADES))


def _row(column: str, days: Sequence[date], values: Mapping[date, MetricValue], hrefs: Mapping[date, str]) -> HeatRow:
    cells = [_cell(at, day, values.get(day), hrefs) for at, day in enumerate(days)]
    judged = [cell for cell in cells if cell is not None]
    return HeatRow(
        column=column,
        strokes=_strokes([None if cell is None else cell.shade for cell in cells]),
        beyond=tuple(cell for cell in judged if cell.shade >= _FIRST_BEYOND),
        judged=len(judged),
        worst=max(judged, key=_ratio, default=None),
    )


def _cell(at: int, day: date, value: MetricValue | None, hrefs: Mapping[date, str]) -> HeatCell | None:
    """The cell of a day that was judged."""
    limit = None if value is None else value.detail.get("limit")
    if value is None or value.value is None or limit is None:
        return None
    if value.detail.get("state") == DriftState.INSUFFICIENT_DATA:
        return None
    scores = [(value.value, limit)]
    # a vector has drifted by its norm or by the shift of its mean
    shift, usual = value.detail.get("mean_shift"), value.detail.get("mean_shift_limit")
    if shift is not None and usual is not None:
        scores.append((shift, usual))
    cells = (
        HeatCell(day=day, at=at, shade=shade_of(score, most), score=score, limit=most, href=hrefs.get(day))
        for score, most in scores
    )
    return max(cells, key=_ratio)


def _strokes(shades: Sequence[int | None]) -> dict[int | None, str]:
    paths: dict[int | None, str] = {}
    for shade, cells in groupby(enumerate(shades), key=lambda cell: cell[1]):
        places = [at for at, _ in cells]
        if shade is None or shade < _FIRST_BEYOND:
            paths[shade] = f"{paths.get(shade, '')}M{places[0]} 5h{len(places)}"
    return paths


def _ratio(cell: HeatCell) -> float:
    return cell.score / cell.limit if cell.limit else (float("inf") if cell.score else 0.0)


def _rank(row: HeatRow) -> tuple[int, float, str]:
    return -len(row.beyond), -_ratio(row.worst) if row.worst else 1.0, row.column
