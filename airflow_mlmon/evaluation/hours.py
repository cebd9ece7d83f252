"""Tests of a day's rows by hour of event time, against the same hours of past days.

The share of each hour is a number with a history, as `series` evaluates it; so is the mean direction of the rows on
the clock (cosine and sine of the hour), which moves where all rows come earlier or later. The variances between days
are shrunk towards each other, and the most significant result counts, Bonferroni-corrected for their number, if the
largest distance is as rare by the law of `maxima`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache

import numpy as np

from airflow_mlmon.evaluation.maxima import FEWEST_FOR_LAW, beyond_past
from airflow_mlmon.evaluation.series import Finding, Point, Series, evaluate_series
from airflow_mlmon.profiles.hours import HOURS, Hours
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.dispersion import FEWEST_DAYS, Expectation, estimate_each, shrink

_ANGLES = 2 * np.pi * np.arange(HOURS) / HOURS
_DIRECTIONS = (np.cos(_ANGLES), np.sin(_ANGLES))
# hours beside the most significant one are named with it if they are as rare
_NAMED_LEVEL = 1e-3
# rows that come at other hours have moved if their hours differ this much less after the move
_EXPLAINED = 0.5
_ONE = 1e-9
# days whose hours a process keeps: a day is evaluated, and shown on its page at once and whenever labels of it come
_MOST_KEPT = 16


@dataclass(frozen=True, kw_only=True)
class RowHours:
    """Rows by hour of a day, and of the days before it."""

    day: date
    now: Counts
    past: Sequence[tuple[date, Counts]]
    season: str = "auto"
    outliers: Collection[date] = frozenset()

    @classmethod
    def of(
        cls,
        day: date,
        now: Hours,
        past: Sequence[tuple[date, Hours | None]],
        *,
        season: str,
        outliers: Collection[date] = frozenset(),
    ) -> RowHours:
        """Collect the rows of the days that have any with an event time."""
        held = tuple((at, hours.rows.tobytes()) for at, hours in past if hours is not None and hours.rows.any())
        return _row_hours(day, now.rows.tobytes(), held, season, frozenset(outliers))

    @property
    def lack(self) -> str:
        """Return the reason why the hours cannot be evaluated; empty if they can."""
        if not self.now.any():
            return "no event times"
        if len(self.past) < FEWEST_DAYS:
            return f"{len(self.past)} days of history with event times, fewer than {FEWEST_DAYS}"
        return "" if len(self.tested) > 1 else "all event times are in one hour"

    @cached_property
    def tested(self) -> Sequence[int]:
        """Return the hours that have rows on one of the days."""
        total = self.now + sum(rows for _, rows in self.past)
        return np.flatnonzero(total).tolist()

    @cached_property
    def series(self) -> Sequence[Series]:
        """Return the share of each tested hour, and the mean direction of the rows, with their history."""
        counted = [(day, rows, int(rows.sum())) for day, rows in [*self.past, (self.day, self.now)]]
        of_hours = [
            self._series(Measure.SHARE, [(day, _share(rows, total, hour)) for day, rows, total in counted], scale=1.0)
            for hour in self.tested
        ]
        everything = np.sum([rows for _, rows in self.past], axis=0)
        of_directions = [
            self._series(
                Measure.MEAN,
                [(day, _mean(rows, total, weights)) for day, rows, total in counted],
                scale=max(_deviation(everything, weights), _ONE),
            )
            for weights in _DIRECTIONS
        ]
        return [*of_hours, *of_directions]

    def _series(self, measure: Measure, points: Sequence[tuple[date, Point]], scale: float) -> Series:
        """Return the series of points of which the last is that of the day itself."""
        *past, (_, now) = points
        return Series(
            measure=measure,
            worse=Worse.BOTH,
            day=self.day,
            now=now,
            past=past,
            scale=scale,
            season=self.season,
            outliers=self.outliers,
        )

    @cached_property
    def expectations(self) -> Sequence[Expectation]:
        """Estimate what is expected of each series.

        The relative variance between days is much the same in all hours, so those of the hours are shrunk towards
        each other after each is divided by it: n + (c n)^2 of n rows.
        """
        found = [one for one in estimate_each([series.numbers() for series in self.series]) if one is not None]
        hours, directions = found[: -len(_DIRECTIONS)], found[-len(_DIRECTIONS) :]
        shares = [self.series[at].off_scale(one.centre) for at, one in enumerate(hours)]
        odds = np.array([share / max(1 - share, _ONE) for share in shares])
        sampling = np.array([one.sampling for one in hours])
        excess = sum((one.ratio - 1) * one.sampling for one in hours)
        relative = 1 + max(excess, 0.0) / odds.sum() * odds / sampling
        alike = shrink([replace(one, ratio=one.ratio / by) for one, by in zip(hours, relative.tolist(), strict=True)])
        hours = [replace(one, ratio=one.ratio * by) for one, by in zip(alike, relative.tolist(), strict=True)]
        return [*hours, *directions]

    @cached_property
    def expected(self) -> Floats:
        """Return the share of the rows that is expected in each hour."""
        shares = np.zeros(HOURS)
        for hour, series, known in zip(self.tested, self.series, self.expectations, strict=False):
            shares[hour] = series.off_scale(known.centre)
        expected: Floats = shares / shares.sum()
        return expected

    @property
    def distance(self) -> float:
        """Total variation distance between the hours of the day and the expected ones."""
        return float(np.abs(self.now / self.now.sum() - self.expected).sum() / 2)


@lru_cache(_MOST_KEPT)
def _row_hours(
    day: date, now: bytes, past: tuple[tuple[date, bytes], ...], season: str, outliers: frozenset[date]
) -> RowHours:
    """Return the rows by hour, of which the same counts give the same object, with what it has found before."""
    held = [(at, np.frombuffer(rows, dtype=np.int64)) for at, rows in past]
    return RowHours(day=day, now=np.frombuffer(now, dtype=np.int64), past=held, season=season, outliers=outliers)


def evaluate_row_hours(hours: RowHours, floor: Callable[[int], float]) -> Finding:
    """Return the most significant finding on the hours of a day; one below the smallest effect size comes second."""
    found = [
        finding
        for series, known in zip(hours.series, hours.expectations, strict=True)
        if (finding := evaluate_series(series, known)) is not None
    ]
    best = min(found, key=lambda one: (abs(one.effect) < floor(one.days), one.p_value))
    of_hours = dict(zip(hours.tested, found, strict=False))
    return replace(
        best,
        p_value=max(min(len(found) * best.p_value, 1.0), _beyond_past(hours)),
        expected=None,
        words=_moved(hours) or _in_words(hours, of_hours),
    )


def _beyond_past(hours: RowHours) -> float:
    """Return the p-value by the law of past days, whose hours may vary by more than any normal law; 0 for few days."""
    kept = [place for place, (day, _) in enumerate(hours.past) if day not in hours.outliers]
    if len(kept) < FEWEST_FOR_LAW:
        return 0.0
    tested = hours.series
    past = np.array([[one.on_scale(one.past[place][1].value) for one in tested] for place in kept])
    now = np.array([one.on_scale(one.now.value) for one in tested])
    least = np.array([one.sampling(one.now) for one in tested])
    is_seasonal = any(known.of_centre < known.days for known in hours.expectations)
    weekdays = np.array([hours.past[place][0].weekday() if is_seasonal else 0 for place in kept])
    return beyond_past(past, now, least, weekdays, hours.day.weekday() if is_seasonal else 0)


def _share(rows: Counts, total: int, hour: int) -> Point:
    return Point(value=float(rows[hour]) / total, rows=total)


def _mean(rows: Counts, total: int, weights: Floats) -> Point:
    return Point(value=float(np.average(weights, weights=rows)), rows=total)


def _deviation(rows: Counts, weights: Floats) -> float:
    spread = float(np.average(weights**2, weights=rows) - np.average(weights, weights=rows) ** 2)
    return math.sqrt(max(spread, 0.0))


def _moved(hours: RowHours) -> str:
    """Describe rows that all come some hours earlier or later; empty if they do not."""
    shares = hours.now / hours.now.sum()
    distances = [float(np.abs(np.roll(hours.expected, lag) - shares).sum()) for lag in range(HOURS)]
    lag = int(np.argmin(distances))
    if not lag or distances[lag] > _EXPLAINED * distances[0]:
        return ""
    by = lag if lag <= HOURS // 2 else HOURS - lag
    unit = "hour" if by == 1 else "hours"
    return f"rows come {by} {unit} {'later' if lag <= HOURS // 2 else 'earlier'} than expected"


def _in_words(hours: RowHours, found: Mapping[int, Finding]) -> str:
    """Describe the most significant hour, with those beside it that have changed to the same side."""
    hour, finding = min(found.items(), key=lambda item: item[1].p_value)
    first = last = hour
    while _is_alike(found.get(first - 1), finding):
        first -= 1
    while _is_alike(found.get(last + 1), finding):
        last += 1
    within = slice(first, last + 1)
    rows, share = int(hours.now[within].sum()), float(hours.expected[within].sum())
    # by the rows of the other hours, so that missing ones do not lower what is expected
    expected = (int(hours.now.sum()) - rows) * share / max(1 - share, _ONE)
    return f"{rows or 'no'} rows from {first:02}:00 to {last + 1:02}:00, {expected:.0f} expected"


def _is_alike(other: Finding | None, finding: Finding) -> bool:
    return other is not None and other.p_value < _NAMED_LEVEL and (other.effect > 0) == (finding.effect > 0)
