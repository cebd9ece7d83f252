"""Partitions: the half-open UTC intervals of a model by which every result is keyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from airflow_mlmon.errors import ConfigError

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """Predictions of `model` with `start <= event time < end`, in UTC."""

    model: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse an interval that is naive, not in UTC or empty."""
        for moment in (self.start, self.end):
            if moment.tzinfo is None or moment.utcoffset() != timedelta(0):
                raise ConfigError(f"A partition needs bounds in UTC, got {moment!r}.")
        if not self.start < self.end:
            raise ConfigError(f"A partition must start before it ends, got {self.start} … {self.end}.")

    @classmethod
    def of_day(cls, model: str, day: date) -> Partition:
        """Return the partition of one calendar day in UTC.

        >>> Partition.of_day("flights", date(2013, 3, 8)).key
        '2013-03-08'
        """
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(model, start, start + DAY)

    @classmethod
    def from_key(cls, model: str, key: str) -> Partition:
        """Parse a partition key.

        Raises:
            ConfigError: the key is not a day.
        """
        return cls.of_day(model, parse_day(key))

    @property
    def day(self) -> date:
        """The calendar day on which the partition starts."""
        return self.start.date()

    @property
    def key(self) -> str:
        """Name of the partition in paths, pages and messages, such as 2013-03-08."""
        return self.day.isoformat()

    def shift(self, days: int) -> Partition:
        """Return the partition of the same length that starts `days` later."""
        return Partition(self.model, self.start + days * DAY, self.end + days * DAY)

    def __str__(self) -> str:
        """Return model and day, as messages name a partition."""
        return f"{self.model} {self.key}"


def days_between(model: str, first: date, last: date) -> Iterator[Partition]:
    """Yield each daily partition from `first` to `last`, both included.

    >>> [p.key for p in days_between("m", date(2013, 2, 28), date(2013, 3, 1))]
    ['2013-02-28', '2013-03-01']
    """
    check_range(first, last)
    for day in date_range(first, last):
        yield Partition.of_day(model, day)


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
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise ConfigError(f"{text!r} is not a day.", hint="write it as YYYY-MM-DD") from None
