"""Cells of a column's row, the same in a terminal, in a notebook and on the page."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.comparison.compare import ColumnComparison, empty_share
from airflow_mlmon.comparison.picture import draw_pair
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.records import VerdictState
from airflow_mlmon.reports.wording import NONE, NOT_ENOUGH, name_text, value_text
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.titles import metric_title, p_value_text

_STATES = {
    VerdictState.BREACH: "drift",
    VerdictState.OK: "no drift",
    VerdictState.INSUFFICIENT_DATA: NOT_ENOUGH,
}
_LARGE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """Field of the row with its profile schema."""

    title: str
    is_number: bool = False
    is_picture: bool = False
    is_long: bool = False


FIELDS = (
    ShownField(title="column"),
    ShownField(title="verdict"),
    ShownField(title="method"),
    ShownField(title="score", is_number=True),
    ShownField(title="p", is_number=True),
    ShownField(title="rows", is_number=True),
    ShownField(title="nulls", is_number=True),
    ShownField(title="reference → current", is_picture=True),
    ShownField(title="note", is_long=True),
)


PERFORMANCE_TITLES = ("metric", "reference", "current", "difference", "95 % interval")


def performance_cells(row: Difference) -> tuple[str, ...]:
    """Return the text of each of `PERFORMANCE_TITLES`."""
    interval = NONE
    if row.low is not None and row.high is not None:
        interval = f"{value_text(row.low, row.metric)} to {value_text(row.high, row.metric)}"
    values = (value_text(value, row.metric) for value in (row.before, row.after, row.difference))
    return metric_title(row.metric), *values, interval


def cells_of(column: ColumnComparison) -> tuple[str, ...]:
    """Return the text of each of `FIELDS`."""
    return (
        name_text(column.column),
        _STATES[column.state],
        str(column.method) if column.method else NONE,
        score_text(column.score),
        p_value_cell(column.p_value),
        _pair(*(f"{side.rows:,}" if side else NONE for side in (column.reference, column.current))),
        _pair(*(_share(side) for side in (column.reference, column.current))),
        picture(column),
        name_text(column.note, 200),
    )


def picture(column: ColumnComparison) -> str:
    """Draw both sides in block characters; empty if they are not compared."""
    if column.method is None or column.reference is None or column.current is None:
        return ""
    first, second = draw_pair(column.reference, column.current)
    return f"{first}│{second}" if first else ""


def score_text(score: float | None) -> str:
    """Format a score to three decimals; a dash where there is none.

    >>> score_text(0.12345), score_text(12345678.0), score_text(None) == NONE
    ('0.123', '1.23e+07', True)
    """
    if score is None:
        return NONE
    return f"{score:.3g}" if abs(score) >= _LARGE else f"{score:.3f}"


def p_value_cell(p_value: float | None) -> str:
    """Format a p-value; a dash where there is none.

    >>> p_value_cell(0.0421), p_value_cell(1e-12), p_value_cell(None) == NONE
    ('0.042', '<1e-9', True)
    """
    return NONE if p_value is None else p_value_text(p_value)


def _pair(first: str, second: str) -> str:
    return first if first == second else f"{first} → {second}"


def _share(column: ColumnProfile | None) -> str:
    share = empty_share(column)
    return NONE if share is None else f"{share:.1%}" if share else "0"
