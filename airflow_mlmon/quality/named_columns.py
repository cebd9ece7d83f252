"""Columns that a check is of, and those that it may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlmon.spec.quality import Check

_ARGUMENTS = ("column", "column_A", "column_B", "column_list")


def columns_of(check: Check) -> list[str]:
    """Return the columns that a check is of; none if it is of the table."""
    given: list[Any] = [check.column]
    for name in _ARGUMENTS:
        value = check.arguments.get(name)
        given.extend(value if isinstance(value, list | tuple) else [value])
    return [name for name in given if isinstance(name, str)]


def columns_named(check: Check, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the arguments of a check name, be it in a condition."""
    words = _words(check)
    conditions = [text for text in check.arguments.values() if isinstance(text, str)]
    return tuple(name for name in names if name in words or any(name in condition for condition in conditions))


def _words(check: Check) -> set[str]:
    words: set[str] = set()
    held: list[Any] = [check.column, *check.arguments.values()]
    while held:
        entry = held.pop()
        if isinstance(entry, str):
            words.add(entry)
        elif isinstance(entry, Mapping):
            held += entry.values()
        elif isinstance(entry, list | tuple):
            held += entry
    return words
