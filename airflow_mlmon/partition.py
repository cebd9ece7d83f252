"""Partitions: the half-open UTC intervals of a model by which every result is keyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from airflow_mlmon.errors import ConfigError

DAY = timedelta(days=1)
DEFAULT_ZONE = "UTC"
# days that a person may name: their neighbours and their bounds in every zone are dates too
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)
# days whose bounds are remembered: a night asks thousands of times for those of its history
_KEPT = 4096


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """Predictions of `model` with `start <= event time < end`, in UTC, which are one day of `zone`.

    On the days on which its clocks change, a day has 23 or 25 hours.
    """

    model: str
    start: datetime
    end: datetime
    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        """Refuse an interval that is naive, not in UTC or empty."""
        for moment in (self.start, self.end):
            if moment.tzinfo is None or moment.utcoffset() != timedelta(0):
                raise ConfigError(f"A partition needs bounds in UTC, got {moment!r}.")
        if not self.start < self.end:
            raise ConfigError(f"A partition must start before it ends, got {self.start} … {self.end}.")

    @classmethod
    def of_day(cls, model: str, day: date, zone: str = DEFAULT_ZONE) -> Partition:
        """Return the partition of one calendar day in a zone.

        >>> Partition.of_day("flights", date(2013, 3, 8)).key
        '2013-03-08'
        >>> str(Partition.of_day("flights", date(2013, 3, 8), "Europe/Berlin").start)
        '2013-03-07 23:00:00+00:00'
        """
        return cls(model, start_of(day, zone), start_of(day + DAY, zone), zone)

    @classmethod
    def from_key(cls, model: str, key: str, zone: str = DEFAULT_ZONE) -> Partition:
        """Parse a partition key.

        Raises:
            ConfigError: the key is not a day.
        """
        return cls.of_day(model, parse_day(key), zone)

    @property
    def day(self) -> date:
        """The calendar day on which the partition starts."""
        return day_of(self.start, self.zone)

    @property
    def key(self) -> str:
        """Name of the partition in paths, pages and messages, such as 2013-03-08."""
        return self.day.isoformat()

    @property
    def is_one_day(self) -> bool:
        """Whether the partition is one whole day of its zone."""
        return (self.start, self.end) == (start_of(self.day, self.zone), start_of(self.day + DAY, self.zone))

    @property
    def hours(self) -> int:
        """Length in whole hours; a day on which the clocks change has one less or one more."""
        return (self.end - self.start) // timedelta(hours=1)

    def shift(self, days: int) -> Partition:
        """Return the partition of as many days that starts `days` later."""
        start, end = (_shift(moment, days, self.zone) for moment in (self.start, self.end))
        return Partition(self.model, start, end, self.zone)

    def __str__(self) -> str:
        """Return model and day, as messages name a partition."""
        return f"{self.model} {self.key}"


@lru_cache(maxsize=_KEPT)
def start_of(day: date, zone: str) -> datetime:
    """Return the moment at which a calendar day begins in a zone, in UTC.

    Where the clocks skip midnight, it is the moment at which they do.
    """
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@lru_cache(maxsize=_KEPT)
def day_of(moment: datetime, zone: str) -> date:
    """Return the calendar day of a moment in a zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def _shift(moment: datetime, days: int, zone: str) -> datetime:
    day = day_of(moment, zone)
    return start_of(day + days * DAY, zone) + (moment - start_of(day, zone))


def days_between(model: str, first: date, last: date, zone: str = DEFAULT_ZONE) -> Iterator[Partition]:
    """Yield each daily partition from `first` to `last`, both included.

    >>> [p.key for p in days_between("m", date(2013, 2, 28), date(2013, 3, 1))]
    ['2013-02-28', '2013-03-01']
    """
    check_range(first, last)
    for day in date_range(first, last):
        yield Partition.of_day(model, day, zone)


def check_range(first: date, last: date) -> None:
    """Refuse a range that ends before it begins.

    Raises:
        ConfigError: `last` is before `first`.
    """
    if last < first:
        raise ConfigError(f"The range ends ({last}) before it begins ({first}).")


def date_range(first: date, last: date) -> list[date]:
    """Return each day from `first` to `last`, both included; none where `last` is before `first`.

    >>> [str(day) for day in date_range(date(2013, 2, 28), date(2013, 3, 1))]
    ['2013-02-28', '2013-03-01']
    """
    return [first + offset * DAY for offset in range((last - first).days + 1)]


def dates_before(day: date, count: int) -> list[date]:
    """Return the `count` days before a day, oldest first.

    >>> [str(found) for found in dates_before(date(2013, 3, 2), 2)]
    ['2013-02-28', '2013-03-01']
    """
    return date_range(day - count * DAY, day - DAY)


def parse_day(text: str) -> date:
    """Parse a day written as YYYY-MM-DD.

    >>> parse_day("2013-03-08")
    datetime.date(2013, 3, 8)
    """
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise ConfigError(f"{text!r} is not a day.", hint="write it as YYYY-MM-DD") from None
    if not _FIRST <= day <= _LAST:
        raise ConfigError(f"{text} is out of range.", hint=f"give a day from {_FIRST} to {_LAST}")
    return day
