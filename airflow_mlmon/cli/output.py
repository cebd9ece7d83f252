"""What every command prints alike: JSON for machines, lines and tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from airflow_mlmon.reports.wording import NONE, name_text

_LONGEST = 300
_NARROWEST = 120


def print_json(content: Mapping[str, Any]) -> None:
    """Print an object on a line of its own, at once, so that a reader can follow a long call."""
    sys.stdout.write(json.dumps(content, allow_nan=False) + "\n")
    sys.stdout.flush()


def open_console() -> Console:
    """The console of standard output, wide enough for a whole table.

    A pipe or a log has no width of its own.
    """
    console = Console(file=sys.stdout, highlight=False)
    is_wide = console.is_terminal or console.width >= _NARROWEST
    return console if is_wide else Console(file=sys.stdout, highlight=False, width=_NARROWEST)


def plain_table() -> Table:
    """A table with a line below its headings and no frame."""
    return Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def line_text(text: str) -> str:
    """Text of people as one line."""
    return name_text(" ".join(text.split()), _LONGEST)


def number_cell(value: float | None, form: str = ".4f") -> str:
    """A number in that form; a dash for none."""
    return NONE if value is None else format(value, form)


def versions_content(nights: Mapping[date, str]) -> list[dict[str, str]]:
    """Nights and the versions that were read of them, as JSON names them."""
    return [{"partition": day.isoformat(), "version": version} for day, version in nights.items()]
