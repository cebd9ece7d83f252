"""ProfileSchema of days in calendar weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

from airflow_mlmon.partition import date_range

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay(Generic[Entry]):
    """One day with its entry, if it has one."""

    day: date
    entry: Entry | None


def calendar_weeks(entries: Mapping[date, Entry]) -> list[list[CalendarDay[Entry]]]:
    """Return the weeks, Monday to Sunday, from the first entry to the last, oldest first.

    >>> weeks = calendar_weeks({date(2013, 3, 8): "storm"})
    >>> [(day.day.day, day.entry) for day in weeks[0]][3:6]
    [(7, None), (8, 'storm'), (9, None)]
    """
    if not entries:
        return []
    first, last = min(entries), max(entries)
    monday = first - timedelta(days=first.weekday())
    sunday = last + timedelta(days=6 - last.weekday())
    cells = [CalendarDay(day=day, entry=entries.get(day)) for day in date_range(monday, sunday)]
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]
