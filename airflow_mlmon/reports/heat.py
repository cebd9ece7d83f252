"""Heat map of drift: columns by days, each cell the effect size in units of the smallest that counts.

Shades are safe for colour-blind readers, and a day with drift is a higher bar, so that nothing depends on colour alone.
Adjacent cells of one shade are one stroke, which keeps a year small.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.evaluation.limits import strength
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.wording import NOT_ENOUGH
from airflow_mlmon.spec.evaluation import EvaluationPolicy

MAX_DAYS = 90
MAX_COLUMNS = 40
# upper ends, in units of the smallest effect size that counts, of all shades but the last
SHADES = (0.5, 1.0, 2.0, 5.0)
_WIDTH = 720
_WIDEST_CELL = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """Evaluated day of a column.

    Attributes:
        day: The day.
        at: Its position among the days.
        shade: The shade of the strength.
        strength: The effect size in units of the smallest that counts; see `evaluation.limits.strength`.
        verdict: The verdict.
        href: The page of the day.
    """

    day: date
    at: int
    shade: int
    strength: float
    verdict: Verdict
    href: str | None

    @property
    def has_drifted(self) -> bool:
        """Return True if the column has drifted on the day."""
        return self.verdict.state is VerdictState.BREACH


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One column over the days.

    Attributes:
        column: The column.
        strokes: By shade, the SVG path of the days without drift; None for days without enough data.
        drifted: The days on which it has drifted.
        evaluated: Number of days with enough data.
        worst: The day with the largest effect size; of the drifted days, if any.
        reason: The reason of the last day if none was evaluated; otherwise empty.
    """

    column: str
    strokes: Mapping[int | None, str]
    drifted: tuple[HeatCell, ...]
    evaluated: int
    worst: HeatCell | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Columns with the most drift, over the last days."""

    days: tuple[date, ...]
    rows: tuple[HeatRow, ...]
    left_out: int

    @property
    def width(self) -> int:
        """Return the width of a row in CSS pixels."""
        return min(_WIDTH, _WIDEST_CELL * len(self.days))


def heat_map(
    days: Sequence[date], verdicts: Iterable[tuple[date, Verdict]], hrefs: Mapping[date, str], policy: EvaluationPolicy
) -> HeatMap | None:
    """Return the map of the drift of some days, with at most 40 columns; None where there is no verdict.

    Args:
        days: consecutive days, oldest first; the last 90 are shown.
        verdicts: the verdicts on the metric `drift_score`.
        hrefs: the pages of the days.
        policy: the evaluation policy, for the smallest effect size that counts.
    """
    shown = tuple(days[-MAX_DAYS:])
    by_day: dict[date, list[Verdict]] = {}
    for day, verdict in verdicts:
        by_day.setdefault(day, []).append(verdict)
    columns: dict[str, dict[date, Verdict]] = {}
    for day in sorted(set(by_day).intersection(shown)):
        for column, verdict in drift_by_column(by_day[day]).items():
            columns.setdefault(column, {})[day] = verdict
    rows = sorted((_row(column, shown, found, hrefs, policy) for column, found in columns.items()), key=_rank)
    if not rows:
        return None
    return HeatMap(days=shown, rows=tuple(rows[:MAX_COLUMNS]), left_out=max(0, len(rows) - MAX_COLUMNS))


def shade_of(strength: float) -> int:
    """Return the shade of an effect in units of the smallest that matters: 0 and 1 up to it, 2 to 4 beyond it.

    >>> shade_of(0.5), shade_of(1.0), shade_of(1.01), shade_of(9.0), shade_of(0.0)
    (0, 1, 2, 4, 0)
    """
    return bisect_left(SHADES, strength)


def _row(
    column: str,
    days: Sequence[date],
    verdicts: Mapping[date, Verdict],
    hrefs: Mapping[date, str],
    policy: EvaluationPolicy,
) -> HeatRow:
    cells = [_cell(at, day, verdicts.get(day), hrefs, policy) for at, day in enumerate(days)]
    held = [cell for cell in cells if cell is not None]
    return HeatRow(
        column=column,
        strokes=_strokes(cells),
        drifted=tuple(cell for cell in held if cell.has_drifted),
        evaluated=len(held),
        worst=max(held, key=lambda cell: (cell.has_drifted, cell.strength), default=None),
        reason="" if held else ": ".join(filter(None, (NOT_ENOUGH, verdicts[max(verdicts)].note))),
    )


def _cell(
    at: int, day: date, verdict: Verdict | None, hrefs: Mapping[date, str], policy: EvaluationPolicy
) -> HeatCell | None:
    """Return the cell of a day with enough data."""
    if verdict is None or verdict.state is VerdictState.INSUFFICIENT_DATA:
        return None
    found = strength(verdict, policy)
    if found is None:
        # a rule without an upper limit gives a side, and no distance
        found = float(verdict.state is VerdictState.BREACH)
    return HeatCell(day=day, at=at, shade=shade_of(found), strength=found, verdict=verdict, href=hrefs.get(day))


def _strokes(cells: Sequence[HeatCell | None]) -> dict[int | None, str]:
    paths: dict[int | None, str] = {}
    drawn = [(at, cell and cell.shade) for at, cell in enumerate(cells) if cell is None or not cell.has_drifted]
    # adjacent cells have the same difference of position and rank
    for (shade, _), found in groupby(enumerate(drawn), key=lambda item: (item[1][1], item[1][0] - item[0])):
        places = [at for _, (at, _) in found]
        paths[shade] = f"{paths.get(shade, '')}M{places[0]} 5h{len(places)}"
    return paths


def _rank(row: HeatRow) -> tuple[int, float, str]:
    return -len(row.drifted), -row.worst.strength if row.worst else 1.0, row.column
