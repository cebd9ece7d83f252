"""The heat map of drift: columns by days, each cell the score in units of its limit.

Shades are safe for the colour-blind, and a cell beyond its limit is higher than one within it, so that
nothing hangs on colour alone. Cells of one shade that stand side by side are one stroke: a year is small.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from airflow_mlmon.drift.compare import DriftState
from airflow_mlmon.drift.limits import in_limits
from airflow_mlmon.records import MetricValue
from airflow_mlmon.reports.wording import NOT_ENOUGH

NO_LIMIT = "no limit"
MAX_DAYS = 120
MAX_COLUMNS = 40
# upper ends, in units of the limit, of all shades but the last
SHADES = (0.5, 1.0, 1.5, 2.5)
_FIRST_BEYOND = 2
_WIDTH = 720
_WIDEST_CELL = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A day on which a column was judged; `at` is its place among the days, `ratio` the score in limits."""

    day: date
    at: int
    shade: int
    ratio: float
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
        reason: Why no day was judged, as the last one says it; empty where one was.
    """

    column: str
    strokes: Mapping[int | None, str]
    beyond: tuple[HeatCell, ...]
    judged: int
    worst: HeatCell | None
    reason: str = ""


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


def shade_of(ratio: float) -> int:
    """The shade of a score in units of its limit: 0 and 1 within the limit, 2 to 4 beyond it.

    >>> shade_of(0.5), shade_of(1.0), shade_of(1.01), shade_of(9.0), shade_of(0.0)
    (0, 1, 2, 4, 0)
    """
    return bisect_left(SHADES, ratio)


def _row(column: str, days: Sequence[date], values: Mapping[date, MetricValue], hrefs: Mapping[date, str]) -> HeatRow:
    cells = [_cell(at, day, values.get(day), hrefs) for at, day in enumerate(days)]
    judged = [cell for cell in cells if cell is not None]
    return HeatRow(
        column=column,
        strokes=_strokes([None if cell is None else cell.shade for cell in cells]),
        beyond=tuple(cell for cell in judged if cell.shade >= _FIRST_BEYOND),
        judged=len(judged),
        worst=max(judged, key=lambda cell: cell.ratio, default=None),
        reason="" if judged else _reason(values[max(values)]),
    )


def _reason(value: MetricValue) -> str:
    """Why a value has no verdict, beginning with what it lacks."""
    lack = NO_LIMIT if value.detail.get("limit") is None else NOT_ENOUGH
    note = value.detail.get("note", "")
    return note if note.startswith(lack) else ": ".join(filter(None, (lack, note)))


def _cell(at: int, day: date, value: MetricValue | None, hrefs: Mapping[date, str]) -> HeatCell | None:
    """The cell of a day that was judged."""
    limit = None if value is None else value.detail.get("limit")
    if value is None or value.value is None or limit is None:
        return None
    if value.detail.get("state") == DriftState.INSUFFICIENT_DATA:
        return None
    scores = [(in_limits(value.detail.get("method", ""), value.value, limit), value.value, limit)]
    # a vector has drifted by its norm or by the shift of its mean
    shift, usual = value.detail.get("mean_shift"), value.detail.get("mean_shift_limit")
    if shift is not None and usual is not None:
        scores.append((in_limits("", shift, usual), shift, usual))
    ratio, score, most = max(scores)
    return HeatCell(day=day, at=at, shade=shade_of(ratio), ratio=ratio, score=score, limit=most, href=hrefs.get(day))


def _strokes(shades: Sequence[int | None]) -> dict[int | None, str]:
    paths: dict[int | None, str] = {}
    for shade, cells in groupby(enumerate(shades), key=lambda cell: cell[1]):
        places = [at for at, _ in cells]
        if shade is None or shade < _FIRST_BEYOND:
            paths[shade] = f"{paths.get(shade, '')}M{places[0]} 5h{len(places)}"
    return paths


def _rank(row: HeatRow) -> tuple[int, float, str]:
    return -len(row.beyond), -row.worst.ratio if row.worst else 1.0, row.column
