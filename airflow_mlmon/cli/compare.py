"""`mlmon compare`: compare two data sets and print a table, JSON or a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import open_console, plain_table, print_table
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.comparison.api import compare
from airflow_mlmon.comparison.cells import FIELDS, PERFORMANCE_TITLES, cells_of, performance_cells
from airflow_mlmon.comparison.result import Comparison
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.reports.wording import name_text

if TYPE_CHECKING:
    from airflow_mlmon.comparison.performance import PerformanceComparison

_NOTE = 300


def print_comparison(
    call: Call, *, reference: str, current: str, html: str | None, fail_on_drift: bool, **options: Any
) -> bool:
    """Compare two data sets and print the result; with `html` a page is written too.

    The other options are arguments of `compare`. With `fail_on_drift` return False if a column has drifted, or if none
    could be evaluated.

    Raises:
        MlmonError: a data set cannot be read, or the page cannot be written.
    """
    found = compare(reference, current, **options)
    if html is not None:
        _write(html, found)
    if call.as_json:
        print_json(found.to_dict())
    else:
        _print(found, html)
    return not fail_on_drift or (bool(found.evaluated) and not found.drifted)


def _write(path: str, found: Comparison) -> None:
    try:
        Path(path).write_text(found.to_html(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The page cannot be written to {path}: {error.strerror}.") from error


def _print(found: Comparison, html: str | None) -> None:
    console = open_console()
    print_table(terminal_table(found), console)
    if found.performance is not None:
        print_table(performance_table(found.performance), console)
    for column in found.columns:
        if column.note:
            console.print(Text(f"{name_text(column.column)}: {name_text(column.note, _NOTE)}"), soft_wrap=True)
    for line in (found.headline, found.rule, f"report: {html}" if html else ""):
        if line:
            console.print(Text(line), soft_wrap=True)


def terminal_table(found: Comparison) -> Table:
    """Build the table with a line for each column, drifted ones first and in bold."""
    table = plain_table()
    for field in FIELDS:
        if not field.is_long:
            justify: Literal["left", "right"] = "right" if field.is_number else "left"
            # names and verdicts wrap first in a narrow terminal
            is_whole = field.is_number or field.is_picture
            table.add_column(field.title, justify=justify, no_wrap=is_whole)
    for column in found.columns:
        cells = [cell for field, cell in zip(FIELDS, cells_of(column), strict=True) if not field.is_long]
        # Text, because names from data may look like rich markup
        table.add_row(*(Text(cell) for cell in cells), style="bold red" if column.has_drifted else "")
    return table


def performance_table(found: PerformanceComparison) -> Table:
    """Build the table with a line for each metric, those that differ significantly in bold."""
    table = plain_table()
    for title in PERFORMANCE_TITLES:
        table.add_column(title, justify="left" if title == PERFORMANCE_TITLES[0] else "right")
    for row in found.differences:
        table.add_row(*(Text(cell) for cell in performance_cells(row)), style="bold" if row.is_apart else "")
    return table
