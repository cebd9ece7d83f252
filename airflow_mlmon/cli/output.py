"""Output shared by all commands: lines and tables."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.stream import open_output
from airflow_mlmon.reports.wording import NONE, name_text

_LONGEST = 300
_NO_TERMINAL = 120
# wider than any table
_UNBOUNDED = 1_000_000


class _AnswerConsole(Console):
    """Console whose reader may go: the command ends as it does with any other output."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def open_console() -> Console:
    """Return the console of standard output: as wide as the terminal or COLUMNS say, else wide enough for a log."""
    width = shutil.get_terminal_size((0, 0)).columns or _width_of_terminal() or _NO_TERMINAL
    return _AnswerConsole(file=open_output(), highlight=False, width=width)


def _width_of_terminal() -> int:
    """Return the width of the terminal before which a pipe ends, such as that of `| less`; 0 if there is none."""
    for stream in (sys.__stdin__, sys.__stderr__):
        with suppress(AttributeError, OSError, ValueError):
            return os.get_terminal_size(stream.fileno()).columns  # type: ignore[union-attr]
    return 0


def plain_table() -> Table:
    """Return a table with a line below its headings and no frame."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table so that no word of it is broken: columns wrap, or each cell has a line of its own."""
    console = console or open_console()
    if _fit(table, console):
        console.print(table)
    else:
        # a word that is wider than the terminal goes on in its next line
        console.print(_lines(table, console), soft_wrap=True)


def _fit(table: Table, console: Console) -> bool:
    """Give each column a width that is no less than its longest word; return False if they do not fit the console."""
    cells = [[_text(cell, console) for cell in (column.header, *column.cells)] for column in table.columns]
    words = [max(_width(cell.plain.split()) for cell in found) for found in cells]
    longest = [max(_width(cell.plain.splitlines()) for cell in found) for found in cells]
    options = console.options.update(width=_UNBOUNDED)
    room = console.width - (Measurement.get(console, options, table).maximum - sum(longest))
    # columns that are best left whole wrap only where nothing else helps
    whole = [
        most if column.no_wrap else least for column, most, least in zip(table.columns, longest, words, strict=True)
    ]
    widths = next((given for given in (whole, words) if sum(given) <= room), None)
    if widths is None:
        return False
    spare = room - sum(widths)
    wanting = sorted(range(len(widths)), key=lambda at: longest[at] - widths[at])
    for position, at in enumerate(wanting):
        more = min(longest[at] - widths[at], spare // (len(wanting) - position))
        widths[at] += more
        spare -= more
    for column, width, most in zip(table.columns, widths, longest, strict=True):
        column.width = width
        column.no_wrap = width == most
    return True


def _lines(table: Table, console: Console) -> Text:
    """Write each cell on lines of its own, after the heading of its column, with an empty line between rows."""
    headings = [" ".join(_text(column.header, console).plain.split()) for column in table.columns]
    indent = max(map(cell_len, headings)) + 2
    lines = Text()
    for row, cells in zip(table.rows, zip(*(column.cells for column in table.columns), strict=True), strict=True):
        for heading, cell in zip(headings, cells, strict=True):
            shown = [
                line
                for whole in _text(cell, console).plain.splitlines()
                for line in textwrap.wrap(
                    whole, max(console.width - indent, 1), break_long_words=False, break_on_hyphens=False
                )
            ]
            for position, line in enumerate(shown):
                name = "" if position else heading
                lines.append(f"{name}{' ' * (indent - cell_len(name))}{line}\n", style=row.style or "")
        lines.append("\n")
    return lines


def _text(cell: RenderableType, console: Console) -> Text:
    """Return the text of a cell, which may have rich's markup."""
    return cell if isinstance(cell, Text) else console.render_str(str(cell))


def _width(words: Iterable[str]) -> int:
    return max(map(cell_len, words), default=0)


def line_text(text: str) -> str:
    """Return text on one line."""
    return name_text(" ".join(text.split()), _LONGEST)


def number_cell(value: float | None, form: str = ".4f") -> str:
    """Format a number; a dash where there is none."""
    return NONE if value is None else format(value, form)


def versions_content(days: Mapping[date, str]) -> list[dict[str, str]]:
    """Convert days and their versions to JSON."""
    return [{"partition": day.isoformat(), "version": version} for day, version in days.items()]
