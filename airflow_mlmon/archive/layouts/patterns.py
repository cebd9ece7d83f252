"""Patterns of a path with placeholders: what to list for a day, and which of the listed objects are of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from airflow_mlmon.spec.layouts import OF_TIME
from airflow_mlmon.storage.local import to_path

# a value of Hive's, Spark's and Trino's for a missing one
_NULL = "__HIVE_DEFAULT_PARTITION__"
_PART = re.compile(r"{([^}]*)}|\*")
_FORMATS = {"date": "%Y-%m-%d", "year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}
_DIGITS = {"date": r"(\d{4}-\d\d-\d\d)", "year": r"(\d{4})"}
_SHORT = ("month", "day", "hour")
_WITH_ENDING = re.compile(r"[^/]*\.[A-Za-z][^/]*")
_HOUR = timedelta(hours=1)


class Match(NamedTuple):
    """Object that a pattern matches.

    Attributes:
        time: Values of the placeholders of time.
        folder: URI of the folder that the pattern stands for; of a file that it names, the file's.
        rest: Path below that folder; empty for a file that the pattern names.
        values: Values of the columns among the placeholders.
    """

    time: tuple[int, ...]
    folder: str
    rest: str
    values: dict[str, str | None]


@dataclass(frozen=True)
class Pattern:
    """Path with placeholders for the time, for columns and for any part of a name (*).

    A month, day or hour may be written with one digit, where no other digit can be meant. Without a slash at its end
    the path may be that of a file. In a plain path braces are braces.
    """

    path: str
    is_plain: bool = False

    @cached_property
    def text(self) -> str:
        """Return the path as the object store spells it."""
        if "://" in self.path and not self.path.startswith("file:"):
            return self.path
        path = to_path(self.path) if self.path.startswith("file:") else Path(self.path)
        return f"{path}{'/' if self.path.endswith('/') else ''}"

    @property
    def root(self) -> str:
        """Return the folder that holds all days, with a slash at its end."""
        begins = _PART.split(self.text, maxsplit=1)[0]
        return f"{begins.rstrip('/')}/" if begins == self.text else f"{begins.rpartition('/')[0]}/"

    @property
    def has_hours(self) -> bool:
        """Whether the path differs from hour to hour."""
        return "{hour}" in self.path

    def fill(self, moment: datetime) -> str:
        """Return the path of a moment, with the placeholders of columns; of a folder with a slash at its end."""
        shown = "".join(moment.strftime(_FORMATS[name]) if name in OF_TIME else text for text, name in self._parts)
        is_file = bool(_WITH_ENDING.fullmatch(_PART.sub("", self.text).rpartition("/")[2]))
        return shown if is_file else f"{shown.rstrip('/')}/"

    def prefixes(self, moments: Sequence[datetime]) -> dict[str, bool]:
        """Return what to list for some moments, and whether it holds objects of their days alone."""
        found: dict[str, bool] = {}
        for moment in moments:
            head, is_dated = [""], not any(name in OF_TIME for _, name in self._parts)
            for number, (text, name) in enumerate(self._parts):
                if text == "*" or name == "hour" or (name and name not in OF_TIME):
                    break
                head = [one + form for one, form in product(head, self._forms(number, moment))]
                is_dated = is_dated or self._holds_day(number)
            found |= dict.fromkeys(head, is_dated)
        return found

    def time_of(self, moment: datetime) -> tuple[int, ...]:
        """Return the values of the placeholders of time at a moment, as `match` does."""
        shown = [moment.strftime(_FORMATS[name]) for _, name in self._parts if name in OF_TIME]
        return tuple(int(text.replace("-", "")) for text in shown)

    def match(self, uri: str) -> Match | None:
        """Match an object; None if its path is another."""
        found = self._regex.fullmatch(uri)
        if found is None:
            return None
        rest = found[found.re.groups] or ""
        time: list[int] = []
        values: dict[str, str | None] = {}
        for name, text in zip(self._names, found.groups(), strict=False):
            if name in OF_TIME:
                time.append(int(text.replace("-", "")))
            elif values.setdefault(name, read_value(text)) != read_value(text):
                return None
        return Match(tuple(time), uri.removesuffix(rest), rest, values)

    def day_of(self, match: Match) -> date | None:
        """Return the day that the path of an object names; None if it names none that exists."""
        found = dict(zip((name for name in self._names if name in OF_TIME), match.time, strict=True))
        year, rest = divmod(found.get("date", 0), 10_000)
        month, day = divmod(rest, 100)
        try:
            return date(found.get("year", year), found.get("month", month), found.get("day", day))
        except ValueError:
            return None

    @cached_property
    def _parts(self) -> list[tuple[str, str]]:
        """Return the pieces of the path, each with its name if it is a placeholder."""
        text, parts, end = self.text, [], 0
        for found in _PART.finditer(text):
            if not self.is_plain or found[0] == "*":
                parts += [(text[end : found.start()], ""), (found[0], found[1] or "")]
                end = found.end()
        return [part for part in (*parts, (text[end:], "")) if part[0]]

    @property
    def _names(self) -> list[str]:
        return [name for _, name in self._parts if name]

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        text = "".join(self._expression(number) for number in range(len(self._parts)))
        if self.text.endswith("/"):
            return re.compile(f"{text}(.*)", re.DOTALL)
        # a part of any value at the end is a folder: else each file would be one
        last = self._parts[-1][1]
        return re.compile(f"{text}/(.*)" if last and last not in OF_TIME else f"{text}(?:/(.*))?", re.DOTALL)

    def _expression(self, number: int) -> str:
        text, name = self._parts[number]
        if text == "*":
            return "[^/]*"
        if not name:
            return re.escape(text)
        if name in _SHORT:
            return r"(\d{1,2})" if self._is_apart(number) else r"(\d\d)"
        return _DIGITS.get(name, "([^/]+)")

    def _is_apart(self, number: int) -> bool:
        """Say whether neither another placeholder nor a digit is beside one."""
        before = self._parts[number - 1] if number else ("", "")
        after = self._parts[number + 1] if number + 1 < len(self._parts) else ("", "")
        is_free = all(not name and text != "*" for text, name in (before, after))
        return is_free and not before[0][-1:].isdigit() and not after[0][:1].isdigit()

    def _forms(self, number: int, moment: datetime) -> Iterator[str]:
        text, name = self._parts[number]
        if not name:
            yield text
            return
        full = moment.strftime(_FORMATS[name])
        yield full
        if name in _SHORT and full.startswith("0") and self._is_apart(number):
            yield full[1:]

    def _holds_day(self, number: int) -> bool:
        names = {name for _, name in self._parts[: number + 1]}
        return "date" in names or names >= {"year", "month", "day"}


def hours_between(start: datetime, end: datetime) -> list[datetime]:
    """Return the hours of an interval, in the zone of its start; the first may begin before it."""
    moment, hours = start.replace(minute=0, second=0, microsecond=0), []
    last = end.astimezone(start.tzinfo)
    while moment.timestamp() < last.timestamp():
        hours.append(moment)
        moment = datetime.fromtimestamp(moment.timestamp() + _HOUR.total_seconds(), start.tzinfo)
    return hours


def read_value(text: str) -> str | None:
    """Return the value of a column that a part of a path gives; None for a missing one.

    >>> read_value("a%3Ab"), read_value("__HIVE_DEFAULT_PARTITION__")
    ('a:b', None)
    """
    return None if text == _NULL else unquote(text)
