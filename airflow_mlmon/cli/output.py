"""Output shared by all commands: lines and tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from airflow_mlmon.cli.stream import open_output
from airflow_mlmon.reports.wording import NONE, name_text

_LONGEST = 300
_NARROWEST = 120


class _AnswerConsole(Console):
    """Console whose reader may go: the command ends as it does with any other output."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def open_console() -> Console:
    """Return the console of standard output, wide enough for a whole table.

    A pipe or a log has no width of its own.
    """
    console = _AnswerConsole(file=open_output(), highlight=False)
    is_wide = console.is_terminal or console.width >= _NARROWEST
    return console if is_wide else _AnswerConsole(file=open_output(), highlight=False, width=_NARROWEST)


def plain_table() -> Table:
    """Return a table with a line below its headings and no frame."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def line_text(text: str) -> str:
    """Return text on one line."""
    return name_text(" ".join(text.split()), _LONGEST)


def number_cell(value: float | None, form: str = ".4f") -> str:
    """Format a number; a dash where there is none."""
    return NONE if value is None else format(value, form)


def versions_content(days: Mapping[date, str]) -> list[dict[str, str]]:
    """Convert days and their versions to JSON."""
    return [{"partition": day.isoformat(), "version": version} for day, version in days.items()]
