"""`mlmon drift`: the drift of windows of days, from stored profiles alone."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from airflow_mlmon.drift.compare import ColumnDrift, DriftState
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.rollup import Window, roll_up
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import load_spec

NOTHING = "\N{EN DASH}"
_STATES = {
    DriftState.WITHIN: ("within", ""),
    DriftState.BEYOND: ("beyond", "bold red"),
    DriftState.INSUFFICIENT_DATA: ("not enough data", "yellow"),
}


def parse_window(text: str) -> int:
    """The days in a window such as 7d or 4w.

    >>> parse_window("7d"), parse_window("4w")
    (7, 28)
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([dw])", text)
    if not found:
        raise ConfigError(f"{text!r} is no length of a window.", hint="write days or weeks, such as 7d or 4w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def show_windows(spec_path: str, first: date, last: date, length: int, settings: Settings, *, as_json: bool) -> bool:
    """Print the windows of the range; whether any has a profile.

    Raises:
        StateError: the spec has changed since its layout was pinned.
    """
    spec = load_spec(spec_path)
    console = Console(file=sys.stdout, highlight=False)
    answered = False
    with open_run(spec, settings) as run:
        for window in roll_up(run, first, last, length):
            answered = answered or bool(window.nights)
            if as_json:
                sys.stdout.write(json.dumps(_content(window), allow_nan=False) + "\n")
            else:
                console.print(_heading(window), soft_wrap=True, markup=False)
                if window.nights:
                    console.print(drift_table(window.columns))
    return answered


def _heading(window: Window) -> str:
    days = (window.last - window.first).days + 1
    parts = [f"{window.first} to {window.last}: {len(window.nights)} of {days} nights, {window.rows:,} rows"]
    if window.nights:
        parts.append(f"limits from {window.windows} windows of the reference ({window.apart} apart)")
    parts += [f"{count} left out ({reason})" for reason, count in Counter(window.skipped.values()).items()]
    return "; ".join(parts)


def drift_table(columns: Iterable[ColumnDrift]) -> Table:
    """A line for each column, the worst first."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("column")
    table.add_column("method", no_wrap=True)
    for heading in ("score", "limit"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("note")
    for column in sorted(columns, key=_rank):
        state, style = _STATES[column.state]
        table.add_row(
            Text(column.column), column.method, _number(column.score), _number(column.limit), state, Text(column.note),
            style=style,
        )  # fmt: skip
    return table


def _rank(column: ColumnDrift) -> tuple[float, str]:
    """The worst first: by the score in units of its limit."""
    if column.score is None:
        return 1.0, column.column
    return -(column.score / column.limit if column.limit else column.score), column.column


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def _content(window: Window) -> dict[str, Any]:
    return {
        "first": window.first.isoformat(),
        "last": window.last.isoformat(),
        "nights": [{"partition": day.isoformat(), "version": version} for day, version in window.nights.items()],
        "skipped": {day.isoformat(): state for day, state in window.skipped.items()},
        "rows": window.rows,
        "reference": {"windows": window.windows, "apart": window.apart},
        "drifted_columns": sum(column.state is DriftState.BEYOND for column in window.columns),
        "columns": [
            {
                "column": column.column,
                "method": column.method,
                "score": column.score,
                "limit": column.limit,
                "windows": column.nights,
                "state": column.state,
                "note": column.note,
            }
            for column in window.columns
        ],
    }
