"""Days that the demo processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

IN_SERVICE = date(2013, 3, 1)
LAST_DAY = date(2013, 12, 31)
_FORTNIGHT = timedelta(days=13)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        """Format the days in words."""
        return f"{self.days} days, {self.first} to {self.last}" if self.days > 1 else f"the day {self.first}"


def choose_window(first: str | None, last: str | None) -> Window:
    """Parse the window between two days written as YYYY-MM-DD; a fortnight if one is not given.

    Raises:
        ValueError: a text is not a day, or the model was not in service on it.
    """
    if first is None:
        end = _parse(last) if last else IN_SERVICE + _FORTNIGHT
        start = max(end - _FORTNIGHT, IN_SERVICE)
    else:
        start = _parse(first)
        end = _parse(last) if last else min(start + _FORTNIGHT, LAST_DAY)
    if not IN_SERVICE <= start <= end <= LAST_DAY:
        raise ValueError(f"The days of the demo must lie between {IN_SERVICE} and {LAST_DAY}, got {start} to {end}.")
    return Window(first=start, last=end)


def _parse(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day: write it as YYYY-MM-DD.") from None
