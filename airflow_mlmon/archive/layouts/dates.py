"""Days in the paths of files, and the path with placeholders that they have in common."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

_KEY = r"(?:[A-Za-z_]+=)?"
_FORMS = (
    # year=2026/month=3/day=1, 2026/03/01
    re.compile(rf"(?<![^/])({_KEY})(\d{{4}})(/{_KEY})(\d\d?)(/{_KEY})(\d\d?)(?![^/.])"),
    re.compile(r"(?<!\d)()(\d{4})(-)(\d\d)(-)(\d\d)(?!\d)"),
    re.compile(r"(?<!\d)()(\d{4})([-_.])(\d\d?)(\3)(\d\d?)(?!\d)"),
    re.compile(r"(?<!\d)()((?:19|20)\d\d)()(\d\d)()(\d\d)(?!\d)"),
)
_HOUR = re.compile(rf"({_KEY})(\d\d?)")
_ENDINGS = re.compile(r"(?:\.[A-Za-z]\w*)+$")
# of one day's: fewer may be parts of another kind
_HOURS = 12
_MOST_HOURS = 24


class Found(NamedTuple):
    """Day in a path, and the path with placeholders for it, in three parts."""

    day: date
    before: str
    pattern: str
    after: str


class FoundLayout(NamedTuple):
    """Path of one day's files with placeholders, the folder of all days, and the first day."""

    path: str
    root: str
    first: date


def find_day(path: str) -> date | None:
    """Parse the day in a path, such as dt=2013-03-08.

    >>> find_day("flights/dt=2013-03-08/part-0.parquet"), find_day("flights/all.parquet")
    (datetime.date(2013, 3, 8), None)
    """
    return next((found.day for found in _find(path)), None)


def find_layout(files: Sequence[str]) -> FoundLayout | None:
    """Find how the paths of files name their days; None if they do not.

    >>> find_layout(["p/2026/03/01/05/x.parquet"]), find_layout(["p/20260301.csv"])[0]
    (FoundLayout(path='p/{year}/{month}/{day}/', root='p', first=datetime.date(2026, 3, 1)), 'p/{year}{month}{day}.csv')
    """
    by_form: dict[tuple[str, int], list[Found]] = defaultdict(list)
    for file in files:
        for number, found in enumerate(_find(file)):
            by_form[found.pattern, number].append(found)
    if not by_form:
        return None
    # a date that all files share is that of something else
    days = max(by_form.values(), key=lambda found: (len(found), len({one.day for one in found})))
    path = _path_of(days)
    root = re.split(r"[{*]", path, maxsplit=1)[0].rpartition("/")[0]
    return FoundLayout(path, root, min(found.day for found in days))


def suggest_path(path: str, around: Iterable[str]) -> str | None:
    """Suggest the path of days that is the most like a path without files; None if nothing there names a day."""
    layouts = (find_layout([uri]) for uri in around)
    found = {layout.path for layout in layouts if layout is not None} - {path, f"{path}/"}
    return max(sorted(found), key=lambda one: SequenceMatcher(None, one, path).ratio(), default=None)


def _find(path: str) -> list[Found]:
    """Return the days in a path: those of its folders, then those of its name."""
    spans: dict[tuple[int, int], Found] = {}
    for form in _FORMS:
        for found in form.finditer(path):
            key, year, one, month, other, day = found.groups()
            try:
                moment = date(int(year), int(month), int(day))
            except ValueError:
                continue
            is_iso = (one, other, len(month), len(day)) == ("-", "-", 2, 2)
            pattern = "{date}" if is_iso else f"{{year}}{one}{{month}}{other}{{day}}"
            own = Found(moment, path[: found.start()] + key, pattern, path[found.end() :])
            spans.setdefault(found.span(), own)
    return sorted(spans.values(), key=lambda found: "/" not in found.after)


def _path_of(days: Sequence[Found]) -> str:
    befores = [_name_folders(found.before, found.day).split("/") for found in days]
    begin = "/".join(_or_any(parts) for parts in zip(*befores, strict=False))
    begin += days[0].pattern
    rests = [found.after for found in days]
    if "/" not in rests[0]:
        return f"{begin}{_end_of_names(rests)}"
    own = [rest.split("/")[:-1] for rest in rests]
    shared = list(takewhile(lambda parts: len(set(parts)) == 1, zip(*own, strict=False)))
    kept = [parts[0] for parts in takewhile(lambda parts: _is_fixed(parts[0]), shared[1:])]
    beside = _or_any([parts[0] for parts in own])
    folder = "/".join([f"{begin}{beside if _is_fixed(beside) else '*'}", *kept])
    hour = _hour_below([(found.day, parts[len(kept) + 1 :]) for found, parts in zip(days, own, strict=True)])
    return f"{folder}/{hour}"


def _name_folders(path: str, day: date) -> str:
    """Put placeholders for the folders of a day's year and month, as in 2026/03/2026-03-01.csv."""
    forms = {f"{day:%Y-%m}": "{year}-{month}", f"{day:%Y%m}": "{year}{month}", f"{day:%Y}": "{year}"}
    months = {f"{day:%m}": "{month}", str(day.month): "{month}"}
    *folders, last = path.split("/")
    named: list[str] = []
    for folder in folders:
        key, value = found.groups() if (found := re.fullmatch(rf"({_KEY})(.*)", folder)) else ("", folder)
        is_below_year = bool(named) and named[-1].endswith("{year}")
        named.append(key + (forms | months if is_below_year else forms).get(value, value))
    return "/".join([*named, last])


def _or_any(parts: Sequence[str]) -> str:
    return parts[0] if len(set(parts)) == 1 else "*"


def _is_fixed(folder: str) -> bool:
    """Say whether a folder below the day is the same on all days: neither numbered nor a value of a column."""
    return "=" not in folder and not any(letter.isdigit() for letter in folder)


def _hour_below(below: Sequence[tuple[date, Sequence[str]]]) -> str:
    """Return the folder of an hour with its placeholder, if there are those of most hours of a day; else nothing."""
    hours: dict[date, set[int]] = defaultdict(set)
    keys = set()
    for day, folders in below:
        found = _HOUR.fullmatch(folders[0]) if folders else None
        if found is None or int(found[2]) >= _MOST_HOURS:
            return ""
        hours[day].add(int(found[2]))
        keys.add(found[1])
    is_hour = len(keys) == 1 and max(len(one) for one in hours.values()) >= _HOURS
    return f"{keys.pop()}{{hour}}/" if is_hour else ""


def _end_of_names(rests: Sequence[str]) -> str:
    """Return what the names of files have after the day; * for what differs from file to file."""
    endings = {found[0] if (found := _ENDINGS.search(rest)) else "" for rest in rests}
    ending = endings.pop() if len(endings) == 1 else "*"
    if set(rests) == {ending} or (len(set(rests)) == 1 and len(rests) > 1):
        return rests[0]
    return ending if ending.startswith("*") else f"*{ending}"
