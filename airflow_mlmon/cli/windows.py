"""`mlmon drift`: show the drift of windows of days, from stored profiles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import number_cell, open_console, plain_table, print_table, versions_content
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.evaluation.columns import drifted
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.baselines.choose import ChosenBaseline
from airflow_mlmon.pipeline.baselines.window_drift import Window, roll_up
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.wording import NONE, NOT_ENOUGH, basis_text, effect_text, p_text
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.baseline import Baseline

_BASELINES = "give reference, previous, trailing:28, same_weekday:8 or dates:2013-01-01:2013-02-28"
_STATES = {
    VerdictState.OK: ("no drift", ""),
    VerdictState.BREACH: ("drift", "bold red"),
    VerdictState.INSUFFICIENT_DATA: (NOT_ENOUGH, "yellow"),
}


def parse_window(text: str) -> int:
    """Parse the length of a window, such as 7d or 4w, in days.

    >>> parse_window("7d"), parse_window("4w")
    (7, 28)
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([dw])", text)
    if not found:
        raise ConfigError(f"--window: {text!r} is not a length.", hint="give days or weeks, such as 7d or 4w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def parse_baseline_text(text: str) -> Baseline:
    """Parse the baseline of a call.

    >>> parse_baseline_text("trailing:28").title(), parse_baseline_text("dates:2013-01-01:2013-02-28").title()
    ('the trailing 28 days', '2013-01-01 to 2013-02-28')

    Raises:
        ConfigError: the text is not a baseline.
    """
    kind, _, rest = text.partition(":")
    first, _, last = rest.partition(":")
    value = {"from": first, "to": last} if last else rest or True
    try:
        return Baseline.model_validate({kind: value})
    except ValidationError as error:
        raise ConfigError(f"--baseline: {text!r} is not a baseline.", hint=_BASELINES) from error


def show_windows(call: Call, *, spec: ModelSpec, first: date, last: date, window: str, baseline: str | None) -> bool:
    """Print the drift of the windows of the range, against the spec's baselines or the given one.

    Raises:
        ConfigError: the window or the baseline is none.
        StateError: the spec has changed since its profile schema was pinned.
    """
    length, given = parse_window(window), None if baseline is None else parse_baseline_text(baseline)
    console = open_console()
    answered = False
    with open_run(spec, call.settings) as run:
        for found in roll_up(run, first, last, length, given):
            answered = answered or bool(found.days)
            if call.as_json:
                print_json(_content(found))
            else:
                console.print(_heading(found), soft_wrap=True, markup=False)
                if found.days:
                    print_table(drift_table(found.columns, found.verdicts, _length(found)), console)
    return answered


def _heading(window: Window) -> str:
    days = _length(window)
    parts = [f"{window.first} to {window.last}: {len(window.days)} of {days} days, {window.rows:,} rows"]
    parts += [f"{count} excluded ({reason})" for reason, count in Counter(window.skipped.values()).items()]
    lines = ["; ".join(parts)]
    if window.days:
        lines += [_basis(baseline, is_alone=len(window.baselines) == 1) for baseline in window.baselines]
    return "\n".join(lines)


def _basis(baseline: ChosenBaseline, *, is_alone: bool) -> str:
    """Describe the baseline of the columns."""
    facts = baseline.facts
    which = "" if is_alone else f"{', '.join(facts.columns)}: "
    days = f"{len(facts.days)} days" if len(facts.days) == facts.asked else f"{len(facts.days)} of {facts.asked} days"
    return f"  {which}against {facts.title} ({days})"


def drift_table(columns: Iterable[ColumnDrift], verdicts: Mapping[str, Verdict], length: int = 1) -> Table:
    """Build the table with a line for each column: drifted columns first, then by effect size."""
    table = plain_table()
    table.add_column("column")
    table.add_column("method", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for heading in ("verdict", "effect size", "p"):
        table.add_column(heading, no_wrap=True)
    table.add_column("rests on")
    table.add_column("note")
    for column in sorted(columns, key=lambda column: _rank(column, verdicts.get(column.column))):
        verdict = verdicts.get(column.column)
        state, style = _STATES[verdict.state] if verdict else ("not evaluated", "")
        table.add_row(
            Text(column.column),
            column.method,
            number_cell(column.score),
            state,
            *((effect_text(verdict) or NONE, p_text(verdict) or NONE) if verdict else (NONE, NONE)),
            Text(_rests_on(verdict, length) if verdict else ""),
            Text(column.note),
            style=style,
        )
    return table


def _rank(column: ColumnDrift, verdict: Verdict | None) -> tuple[bool, float, str]:
    has_drifted = verdict is not None and verdict.state is VerdictState.BREACH
    return not has_drifted, -abs(verdict.effect or 0.0) if verdict else 0.0, column.column


def _length(window: Window) -> int:
    return (window.last - window.first).days + 1


def _rests_on(verdict: Verdict, length: int) -> str:
    """Format what a verdict rests on; the history of a window is of windows of as many days."""
    if length == 1 or verdict.history is None:
        return basis_text(verdict)
    windows = f"against {verdict.history} windows of {length} days"
    return "; ".join(filter(None, (windows, verdict.note)))


def verdict_content(column: ColumnDrift, verdict: Verdict | None, length: int = 1) -> dict[str, Any]:
    """Convert the verdict on a column to JSON."""
    return {
        "column": column.column,
        "method": column.method,
        "score": column.score,
        "state": verdict.state if verdict else None,
        "effect": verdict.effect if verdict else None,
        "p_value": verdict.p_value if verdict else None,
        "rests_on": _rests_on(verdict, length) if verdict else None,
        "note": column.note,
    }


def _content(window: Window) -> dict[str, Any]:
    titles = {column: baseline.facts.title for baseline in window.baselines for column in baseline.facts.columns}
    return {
        "first": window.first.isoformat(),
        "last": window.last.isoformat(),
        "days": versions_content(window.days),
        "skipped": {day.isoformat(): state for day, state in window.skipped.items()},
        "rows": window.rows,
        "baselines": [
            {
                **{key: value for key, value in baseline.facts.to_dict().items() if key != "days"},
                "days": versions_content(baseline.facts.days),
            }
            for baseline in window.baselines
        ],
        "drifted_columns": len(drifted(window.verdicts)),
        "columns": [
            {
                **verdict_content(column, window.verdicts.get(column.column), _length(window)),
                "baseline": titles[column.column],
            }
            for column in window.columns
        ],
    }
