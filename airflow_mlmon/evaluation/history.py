"""Evidence of drift over days, from profiles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from types import MappingProxyType
from typing import Protocol

from airflow_mlmon.drift.rows.pinned import Rate
from airflow_mlmon.drift.unseen import count_out_of_range
from airflow_mlmon.evaluation.compared import Compared
from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.evidence import ColumnEvidence, Comparisons, bins_for
from airflow_mlmon.evaluation.hourly import ColumnHours
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile, sum_columns
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import SubjectKey
from airflow_mlmon.spec.evaluation import Season
from airflow_mlmon.spec.metrics import NEW_CATEGORY_RATE, NULL_RATE, OUT_OF_RANGE_RATE

# days that are pooled until they have enough rows
MOST_POOLED = 7
# a sample has two values that are its extremes
_EXTREMES = 2


class PastProfile(Protocol):
    """Profile of an earlier day, which may be read when its columns or parts are asked for."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""

    @property
    def hours(self) -> Hours | None:
        """Return the rows and values by hour."""

    @property
    def columns(self) -> Mapping[str, ColumnProfile]:
        """Return the columns by name."""

    def part(self, segment: str, value: str) -> Profile | None:
        """Return the profile of the rows of one value of a segment; None if no row has it."""


@dataclass(frozen=True, kw_only=True)
class ColumnDays:
    """Profiles for the evaluation of a day.

    Attributes:
        day: The day.
        now: Its profile.
        past: The profiles of the days before.
        compared: What is known of the comparison of past days with the reference, by day and column.
        reference: The reference; None if nothing is known.
        baselines: The baseline of each column, and the days that are part of it.
        excluded: Days that are no history of a column, or of a column in a segment.
        outliers: Days of its resolved breaches.
        length: The maximum length of a history.
        season: The seasonality, by weekday or none.
        fewest: The rows that a day needs; one with fewer is pooled with the days before, up to a week.
        comparisons: The cache of comparisons.
    """

    day: date
    now: Profile
    past: Sequence[tuple[date, PastProfile]]
    baselines: Mapping[str, tuple[Profile, Collection[date]]]
    excluded: Mapping[tuple[str, str | None], Collection[date]] = field(default_factory=dict)
    outliers: Mapping[tuple[str, str | None], Collection[date]] = field(default_factory=dict)
    length: int | None = None
    season: Season = Season.AUTO
    fewest: int = 0
    comparisons: Comparisons = field(default_factory=Comparisons)
    compared: Mapping[date, Mapping[str, Compared]] = field(default_factory=dict)
    reference: Profile | None = None

    def columns(self) -> dict[str, ColumnHistory]:
        """Return the evidence of each column with values on this day and in its baseline."""
        found = {}
        pooled = self.pooled
        # the sum of days is a part of the baseline only if each of them is
        now = sum_columns_of([self.now, *(profile for _, profile in pooled)]) if pooled else self.now.columns
        earlier = self.past[: len(self.past) - len(pooled)]
        for name, (baseline, members) in self.baselines.items():
            past = [(day, partial(_column_of, profile, name)) for day, profile in earlier]
            known = self._known(name) if baseline is self.reference else {}
            own = members if all(day in members for day, _ in pooled) else frozenset(members) - {self.day}
            history = self._history(name, None, (baseline.columns[name], own), (now[name], past), known)
            if history:
                # the sum of some days has no hours of its own
                found[name] = history if pooled else replace(history, hours=self._hours(name, baseline.columns[name]))
        return found

    def _known(self, name: str) -> dict[date, Compared]:
        return {day: columns[name] for day, columns in self.compared.items() if name in columns}

    def _hours(self, name: str, baseline: ColumnProfile) -> ColumnHours | None:
        excluded = self.excluded.get((name, None), ())
        past = [
            (day, profile.hours.column(name))
            for day, profile in self.past
            if profile.hours is not None and day not in excluded
        ]
        deviation = baseline.std if isinstance(baseline, NumericProfile) else None
        return ColumnHours.of(
            self.now.hours.column(name) if self.now.hours is not None else None,
            past[-(self.length or 0) :],
            deviation=deviation / baseline.schema.quantum if deviation else None,
            reach=_reach(self.now.columns[name]),
            outliers=self.outliers.get((name, None), ()),
        )

    @cached_property
    def pooled(self) -> Sequence[tuple[date, PastProfile]]:
        """Return the days before that are pooled with a day of few rows; none if it has enough, or if a week has not.

        Profiles are additive, so a model of few rows a day is evaluated by the sum of some days.
        """
        rows = self.now.rows
        for place in range(len(self.past) - 1, -1, -1):
            if rows >= self.fewest or (self.day - self.past[place][0]).days >= MOST_POOLED:
                break
            rows += self.past[place][1].rows
        else:
            place = -1
        return self.past[place + 1 :] if rows >= self.fewest else ()

    def parts(self, name: str) -> Iterator[tuple[str, ColumnHistory]]:
        """Return the evidence of a column in each segment of this day and of the baseline."""
        baseline, members = self.baselines[name]
        for segment, divided in self.now.segments.items():
            for value, part in divided.parts.items():
                base = baseline.part(segment, value)
                is_whole = part.rows == self.now.rows
                if base is None or is_whole or name not in base.columns:
                    continue
                past = [(day, partial(_column_of_part, profile, (segment, value), name)) for day, profile in self.past]
                key = segment_key(segment, value)
                history = self._history(name, key, (base.columns[name], members), (part.columns[name], past))
                if history:
                    yield key, history

    def _history(
        self,
        name: str,
        segment: str | None,
        baseline: tuple[ColumnProfile, Collection[date]],
        days: tuple[ColumnProfile, Sequence[tuple[date, Callable[[], ColumnProfile | None]]]],
        known: Mapping[date, Compared] = MappingProxyType({}),
    ) -> ColumnHistory | None:
        base_column, members = baseline
        current, past = days
        if not base_column.observed:
            return None
        bins = bins_for(current.observed, base_column.observed)
        now = self.comparisons.compare(base_column, bins, current, is_part=self.day in members)
        if now is None:
            return None
        excluded = self.excluded.get((name, segment), ())
        compared: list[tuple[date, ColumnEvidence]] = []
        # from the last day on, as many as are asked for
        for day, read in reversed(past):
            if self.length and len(compared) == self.length:
                break
            if day in excluded:
                continue
            evidence = self._compare(base_column, bins, known.get(day), read, is_part=day in members)
            if evidence:
                compared.append((day, evidence))
        return ColumnHistory(
            day=self.day,
            now=now,
            past=compared[::-1],
            outliers=self.outliers.get((name, segment), ()),
            season=self.season,
        )

    def _compare(
        self,
        baseline: ColumnProfile,
        bins: int,
        known: Compared | None,
        read: Callable[[], ColumnProfile | None],
        *,
        is_part: bool,
    ) -> ColumnEvidence | None:
        """Return a comparison that is known, if it was made alike, and else make it."""
        if known is not None and (known.bins, known.is_part) == (bins, is_part):
            return known.evidence
        column = read()
        return self.comparisons.compare(baseline, bins, column, is_part=is_part) if column is not None else None


def _column_of(profile: PastProfile, name: str) -> ColumnProfile | None:
    return profile.columns.get(name)


def _column_of_part(profile: PastProfile, value: tuple[str, str], name: str) -> ColumnProfile | None:
    part = profile.part(*value)
    return part.columns.get(name) if part else None


def _reach(column: ColumnProfile) -> float:
    """Return the largest distance of a value from the centre, in quanta."""
    if not isinstance(column, NumericProfile) or column.min is None or column.max is None:
        return 0.0
    return max(abs(column.max - column.schema.centre), abs(column.min - column.schema.centre)) / column.schema.quantum


def sum_columns_of(profiles: Sequence[PastProfile]) -> dict[str, ColumnProfile]:
    """Sum each column over days."""
    return {name: sum_columns(profile.columns[name] for profile in profiles) for name in profiles[0].columns}


def base_shares(
    baselines: Mapping[str, tuple[Profile, Collection[date]]],
    reference: Profile,
    novelty: Mapping[str, float] = MappingProxyType({}),
) -> dict[SubjectKey, Point]:
    """Return the expected null, new-category and out-of-range rates from the baseline alone.

    A vocabulary from the reference has no new categories there. The expected rate in the next rows is the share of
    values that occur once (Good 1953), or where it is known the `novelty` of the column. Likewise the next of n values
    is outside the range of all before with probability 2 / (n + 1).
    """
    found: dict[SubjectKey, Point] = {}
    for name, (profile, _) in baselines.items():
        column = profile.columns[name]
        if column.rows:
            found[NULL_RATE, name, None] = Point(value=column.missing / column.rows, rows=column.rows)
        if isinstance(column, CategoryProfile) and column.observed:
            share = column.new_rows / column.observed
            if profile is reference or not share:
                once = int((column.known.counts == 1).sum()) + column.unseen_rows
                share = novelty.get(name, once / column.observed)
            found[NEW_CATEGORY_RATE, name, None] = Point(value=share, rows=column.observed)
        known = reference.columns[name]
        if isinstance(column, NumericProfile) and isinstance(known, NumericProfile) and column.observed:
            beyond = _EXTREMES + count_out_of_range(column, known)[0]
            share = min(beyond / (column.observed + 1), 1.0)
            found[OUT_OF_RANGE_RATE, name, None] = Point(value=share, rows=column.observed)
    return found


def base_rates(rates: Iterable[Rate]) -> dict[SubjectKey, Point]:
    """Return the expected rates of broken relations and equal values from the sample of the reference alone."""
    return {(one.metric, one.column, None): Point(value=one.share, rows=one.rows) for one in rates}


def ongoing(breached: Collection[date], day: date, clears_after: int) -> set[date]:
    """Return the days of an ongoing incident: breaches with fewer healthy days between them than resolve it.

    >>> days = [date(2026, 3, day) for day in (1, 4, 6, 7)]
    >>> sorted(found.day for found in ongoing(days, date(2026, 3, 8), clears_after=2))
    [4, 6, 7]
    """
    found: set[date] = set()
    last = day
    for breach in sorted(breached, reverse=True):
        if (last - breach).days > clears_after:
            break
        found.add(breach)
        last = breach
    return found
