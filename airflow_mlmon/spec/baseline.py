"""Baseline of a comparison: the reference, or the merged profiles of other days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from airflow_mlmon.partition import date_range, dates_before
from airflow_mlmon.spec.section import Section

_WEEK = 7
_FORMS = "reference, previous, {trailing: 28}, {same_weekday: 8} or {dates: {from: 2013-01-01, to: 2013-02-28}}"


class BaselineKind(StrEnum):
    """Rule that selects the days of a baseline."""

    REFERENCE = "reference"
    TRAILING = "trailing"
    PREVIOUS = "previous"
    SAME_WEEKDAY = "same_weekday"
    DATES = "dates"


class DateRange(Section):
    """Days from the first to the last, both included."""

    model_config = ConfigDict(populate_by_name=True)

    first: date = Field(alias="from", description="First day, YYYY-MM-DD.")
    last: date = Field(alias="to", description="Last day, included.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"to: the range ends ({self.last}) before it begins ({self.first})")
        return self


class Baseline(Section):
    """Baseline of a column: exactly one of its forms."""

    reference: bool = Field(default=False, description="The pinned reference; this is the default.")
    trailing: int | None = Field(default=None, ge=2, le=400, description="This many days before.")
    previous: bool = Field(
        default=False, description="The preceding period of the same length; for a day, the day before."
    )
    same_weekday: int | None = Field(
        default=None, ge=2, le=60, description="The same weekday of this many weeks before."
    )
    dates: DateRange | None = Field(default=None, description="A fixed range of days: `from` and `to`.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in {BaselineKind.REFERENCE, BaselineKind.PREVIOUS}:
            raise ValueError(f"{value!r} is not a baseline; give {_FORMS}")
        return {value: True}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self._given()) > 1:
            raise ValueError(f"give one of {_FORMS}")
        return self

    def _given(self) -> list[BaselineKind]:
        return [kind for kind in BaselineKind if getattr(self, kind)]

    @property
    def kind(self) -> BaselineKind:
        """Rule that selects its days."""
        return next(iter(self._given()), BaselineKind.REFERENCE)

    def title(self, days: int = 1) -> str:
        """Return the title shown on pages and in results; `days` is the length of the compared window."""
        return {
            BaselineKind.REFERENCE: "the reference",
            BaselineKind.TRAILING: f"the trailing {self.trailing} days",
            BaselineKind.PREVIOUS: "the day before" if days == 1 else f"the {days} days before",
            BaselineKind.SAME_WEEKDAY: f"the same weekday of the {self.same_weekday} weeks before",
            BaselineKind.DATES: f"{self.dates.first} to {self.dates.last}" if self.dates else "",
        }[self.kind]

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as a spec writes it; equal baselines give equal dicts.

        >>> Baseline().to_dict(), Baseline(trailing=28).to_dict()
        ({'reference': True}, {'trailing': 28})
        """
        name = self.kind.value
        return {name: self.model_dump(mode="json", by_alias=True, include={name})[name] or True}

    def days(
        self, first: date, last: date | None = None, *, without: Collection[date] = frozenset()
    ) -> tuple[date, ...]:
        """Select the baseline days of a day, or of a window up to `last`, oldest first.

        No day of the window is among them. The reference has none here, because it names its own. Days that are skipped
        (`without`) are replaced by earlier ones.

        >>> [found.day for found in Baseline(trailing=3).days(date(2013, 3, 8))]
        [5, 6, 7]
        >>> [found.day for found in Baseline(same_weekday=2).days(date(2013, 3, 22))]
        [8, 15]
        >>> [found.day for found in Baseline(previous=True).days(date(2013, 3, 8), date(2013, 3, 10))]
        [5, 6, 7]
        >>> [found.day for found in Baseline(trailing=3).days(date(2013, 3, 8), without={date(2013, 3, 6)})]
        [4, 5, 7]
        >>> [found.day for found in Baseline(previous=True).days(date(2013, 3, 8), without={date(2013, 3, 7)})]
        [6]
        """
        last = last or first
        window = date_range(first, last)
        if without and self.dates is None:
            return self._passing_over(first, without)
        if self.dates is not None:
            found = date_range(self.dates.first, self.dates.last)
        elif self.same_weekday:
            weeks = range(1, self.same_weekday + 1)
            found = sorted({day - timedelta(days=_WEEK * week) for day in window for week in weeks})
        else:
            length = len(window) if self.previous else self.trailing or 0
            found = dates_before(first, length)
        return tuple(day for day in found if not first <= day <= last)

    def _passing_over(self, first: date, without: Collection[date]) -> tuple[date, ...]:
        step = timedelta(days=_WEEK if self.same_weekday else 1)
        wanted = self.same_weekday or self.trailing or 1
        reached = (first - step * back for back in range(1, wanted + len(without) + 1))
        return tuple(islice((day for day in reached if day not in without), wanted))[::-1]


def check_version_names(baselines: Any) -> Any:
    """Check that each model version is named by text.

    YAML reads 1.10 as the number 1.1, which would be another version.

    Raises:
        ValueError: a name is not text or is empty.
    """
    for name in baselines if isinstance(baselines, dict) else ():
        if not isinstance(name, str) or not name:
            raise ValueError(f"the name of a version must be text, got {name!r}; put it in quotes")
    return baselines
