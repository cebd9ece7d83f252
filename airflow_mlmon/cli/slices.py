"""`mlmon slice`: rank slices of past days by loss of performance and by drift."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import open_console, plain_table, print_table, versions_content
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.comparison.cells import p_value_cell
from airflow_mlmon.comparison.slice import Slice, SliceState
from airflow_mlmon.comparison.slices import CORRECTION
from airflow_mlmon.evaluation.pair import ALPHA
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.slices.druid import day_rows
from airflow_mlmon.pipeline.slices.slices import SlicedWindow, parse_metric, slice_window
from airflow_mlmon.reports.wording import NONE, NOT_ENOUGH, name_text
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metric import Worse
from airflow_mlmon.tasks.contrast import Contrast, Contrasted
from airflow_mlmon.tasks.registry import task_of
from airflow_mlmon.tasks.titles import metric_title

# narrower tables have no intervals; --json has them
_WIDE = 110
_LOSSES = {Worse.BELOW: "loss of {}", Worse.ABOVE: "higher {}", Worse.BOTH: "{} differs"}
_STYLES = {SliceState.LOSS: "bold red", SliceState.DRIFT: "red", SliceState.INSUFFICIENT_DATA: "yellow"}


def show_slices(
    call: Call,
    *,
    spec: ModelSpec,
    by: str,
    first: date,
    last: date,
    metric: str | None,
    cross: bool,
    top: int,
) -> bool:
    """Print the slices of the range, the most severe first; return True if any was evaluated.

    Raises:
        ConfigError: a column cannot be sliced by, or there is no such metric.
        StateError: the spec has changed since its profile schema was pinned.
    """
    asked = None if metric is None else parse_metric(spec, metric)
    waiting = Console(stderr=True, quiet=not sys.stderr.isatty())
    with waiting.status("reading") as status, open_run(spec, call.settings, status.update) as run:
        names = [name.strip() for name in by.split(",")]
        found = slice_window(run, names, first, last, metric=asked, cross=cross, rows=day_rows(run))
    if call.as_json:
        print_json(_content(found))
    else:
        _print(found, spec, top)
    return found.evaluated > 0


def _print(found: SlicedWindow, spec: ModelSpec, top: int) -> None:
    console = open_console()
    console.print(Text(_heading(found)), soft_wrap=True)
    if found.slices:
        title = metric_title(found.metric, spec.labels) if found.metric else ""
        by = task_of(spec).contrasts[found.metric] if found.metric else None
        print_table(slices_table(found.slices[:top], by, title, is_wide=console.width >= _WIDE), console)
    for line in _footing(found, top):
        console.print(Text(line), soft_wrap=True)


def slices_table(slices: Sequence[Slice], by: Contrasted | None, title: str, *, is_wide: bool) -> Table:
    """Build the table with two lines for each slice, in order; those with a finding are highlighted."""
    table = plain_table()
    table.add_column("slice")
    table.add_column("rows\nshare", justify="right", no_wrap=True)
    table.add_column("drifted columns\nworst, score")
    if by:
        table.add_column("\n".join(title.rsplit(" ", 1)), justify="right", no_wrap=True)
        table.add_column("difference\nfrom", justify="right", no_wrap=True)
        table.add_column("p", justify="right", no_wrap=True)
    for found in slices:
        cells = [
            f"{name_text(found.name)}\n{_finding(found, title)}",
            f"{found.rows:,}\n{100 * found.share:.1f} %",
            _drift(found),
            *(_performance(found, by, is_wide=is_wide) if by else ()),
        ]
        # Text, because values from data may look like rich markup
        table.add_row(*(Text(cell) for cell in cells), style=_STYLES.get(found.state, ""))
    return table


def _finding(found: Slice, title: str) -> str:
    said = []
    if found.state is SliceState.LOSS:
        said.append(_LOSSES[found.worse].format(title))
    if found.drifted:
        said.append("drift")
    if found.state is SliceState.OTHER:
        said.append(f"better {title}")
    if said:
        return ", ".join(said)
    return NOT_ENOUGH if found.state is SliceState.INSUFFICIENT_DATA else "nothing found"


def _drift(found: Slice) -> str:
    worst = found.worst
    if worst is None:
        return found.note or NOT_ENOUGH
    moved = f"{worst.method} {worst.score:.3f}" if worst.score is not None else "not compared"
    if worst.is_emptier:
        moved = f"null rate {100 * (worst.empty_gap or 0.0):+.1f} %"
    return f"{len(found.drifted)} of {found.compared}\n{name_text(worst.column)} {moved}"


def _performance(found: Slice, by: Contrasted, *, is_wide: bool) -> tuple[str, str, str]:
    sides = [("rest", found.against_rest), ("ref.", found.against_reference)]
    held = [(name, side) for name, side in sides if side is not None]
    own = held[0][1].own if held else None
    return (
        NONE if own is None else f"{_amount(own, by, '')}{_unit(by)}",
        "\n".join(f"{_difference(side, by, is_wide=is_wide)} {name}" for name, side in held) or NONE,
        "\n".join(p_value_cell(side.p_value) for _, side in held) or NONE,
    )


def _difference(side: Contrast, by: Contrasted, *, is_wide: bool) -> str:
    if side.difference is None:
        return NONE
    text = _amount(side.difference, by, "+")
    if is_wide and side.low is not None and side.high is not None:
        text += f" ({_amount(side.low, by, '+')} to {_amount(side.high, by, '+')})"
    return text + _unit(by)


def _amount(value: float, by: Contrasted, sign: str) -> str:
    return f"{100 * value:{sign}.1f}" if by.is_share else f"{value:{sign}.3f}"


def _unit(by: Contrasted) -> str:
    return " %" if by.is_share else ""


def _heading(found: SlicedWindow) -> str:
    days = (found.last - found.first).days + 1
    parts = [f"{found.first} to {found.last}: {len(found.days)} of {days} days, {found.rows:,} rows"]
    parts += [f"{count} excluded ({reason})" for reason, count in Counter(found.skipped.values()).items()]
    return "; ".join(parts)


def _footing(found: SlicedWindow, top: int) -> Iterator[str]:
    if (more := len(found.slices) - top) > 0:
        yield f"{more} more slices: show them with --top {len(found.slices)} or --json."
    for name, count in found.gathered.items():
        yield f"{count:,} more values of {name} are combined in its slice (other)."
    findings = sum(own.state <= SliceState.OTHER for own in found.slices)
    yield (
        f"{found.evaluated} slices evaluated, {findings} with a finding at p ≤ {ALPHA:g}; "
        f"{len(found.slices) - found.evaluated} without enough data."
    )
    yield f"p-values are corrected ({CORRECTION}). They cover sampling error, not the variation from day to day."
    yield "A column has drifted if its p-value is significant and the effect is at least the limit of its method."
    said = [f"{name} of {count} days from stored profiles" for name, count in found.stored.items()]
    said += [f"{found.rows_read:,} rows read"] if found.rows_read else []
    said += [f"{found.rows_counted:,} rows counted in Druid"] if found.rows_counted else []
    before = f"{found.reference_rows_read:,} rows read again" if found.reference_rows_read else "from stored profiles"
    yield f"Window: {', '.join(said) or 'nothing'}. Reference of {found.reference_rows:,} rows: {before}."


def _content(found: SlicedWindow) -> dict[str, Any]:
    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "days": versions_content(found.days),
        "skipped": {day.isoformat(): reason for day, reason in found.skipped.items()},
        "rows": found.rows,
        "metric": found.metric,
        "correction": CORRECTION,
        "schema": found.schema,
        "reference_rows": found.reference_rows,
        "days_from_profiles": dict(found.stored),
        "rows_read": found.rows_read,
        "rows_counted_in_druid": found.rows_counted,
        "reference_rows_read": found.reference_rows_read,
        "values_gathered": dict(found.gathered),
        "tried": found.evaluated,
        "slices": [_slice(own) for own in found.slices],
    }


def _slice(found: Slice) -> dict[str, Any]:
    return {
        "slice": found.name,
        "columns": list(found.columns),
        "value": found.value,
        "finding": found.state.name.lower() if found.is_evaluated else found.state.name,
        "rows": found.rows,
        "rows_reference": found.rows_reference,
        "share": found.share,
        "consequence": found.consequence,
        "columns_compared": found.compared,
        "beyond_chance": list(found.beyond_chance),
        "drifted": list(found.drifted),
        "drift": [asdict(column) for column in found.drift],
        "against_rest": _contrast(found.against_rest),
        "against_reference": _contrast(found.against_reference),
        "note": found.note,
    }


def _contrast(found: Contrast | None) -> dict[str, Any] | None:
    return None if found is None else {**asdict(found), "difference": found.difference}
