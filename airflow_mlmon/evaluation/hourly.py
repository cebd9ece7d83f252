"""Tests of a column's values by hour of event time, against the same hours of past days.

The mean of each hour is compared with that of the day's other hours, so that a shift of the whole day is none of an
hour; the share of missing values is that of the hour, on the scale of arcsines. Both follow Student's t by hour,
Bonferroni-corrected, and the most significant counts only if the largest distance is as rare by the law of `maxima`,
because the mean of few values of a heavy-tailed column follows no normal law.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy import special

from airflow_mlmon.evaluation.maxima import FEWEST_FOR_LAW, beyond_past
from airflow_mlmon.evaluation.series import Finding
from airflow_mlmon.profiles.hours import HourlyColumn
from airflow_mlmon.statistics.arrays import Floats

# rows that an hour needs on each day
_FEWEST = 20
# extreme values that could make the difference by themselves
_SINGLE = 3


@dataclass(frozen=True, kw_only=True)
class ColumnHours:
    """Values of a column by hour, on a day and on the days before.

    Attributes:
        now: The day.
        past: The days before.
        deviation: Standard deviation of its values in quanta; None of a column whose values are not summed.
        reach: Largest distance of a value of the day from the centre, in quanta.
    """

    now: HourlyColumn
    past: Sequence[HourlyColumn]
    deviation: float | None = None
    reach: float = 0.0

    @classmethod
    def of(
        cls,
        now: HourlyColumn | None,
        past: Sequence[tuple[date, HourlyColumn | None]],
        *,
        deviation: float | None,
        reach: float = 0.0,
        outliers: Collection[date] = frozenset(),
    ) -> ColumnHours | None:
        """Collect the days that have hours; None for too few."""
        held = [column for day, column in past if column is not None and day not in outliers]
        if now is None or len(held) < FEWEST_FOR_LAW:
            return None
        return cls(now=now, past=held, deviation=deviation, reach=reach)


def hourly_finding(hours: ColumnHours) -> Finding | None:
    """Return the most significant hour of a day, corrected for the number of tests; None if there is none to test."""
    found = list(_findings(hours))
    if not found:
        return None
    best = min(found, key=lambda finding: finding.p_value)
    return replace(best, p_value=min(len(found) * best.p_value, 1.0))


def _findings(hours: ColumnHours) -> Iterator[Finding]:
    days = [*hours.past, hours.now]
    if hours.deviation:
        observed = np.array([day.observed for day in days], dtype=np.float64)
        totals = np.array([[float(total) for total in day.totals] for day in days]) / hours.deviation
        is_tested = (observed >= _FEWEST).all(axis=0) & (observed.sum(axis=1, keepdims=True) > observed).all(axis=0)
        if is_tested.any():
            rest = observed.sum(axis=1, keepdims=True) - observed
            others = (totals.sum(axis=1, keepdims=True) - totals) / np.maximum(rest, 1)
            values = totals / np.maximum(observed, 1) - others
            sampling = 1 / np.maximum(observed, 1) + 1 / np.maximum(rest, 1)
            # a few extreme values are no news of an hour, but of the extremes
            expected = values[:-1].mean(axis=0)
            fewest = _SINGLE * hours.reach / hours.deviation / np.maximum(observed[-1], 1)
            values[-1] = np.where(np.abs(values[-1] - expected) > fewest, values[-1], expected)
            yield _largest(values, sampling, np.flatnonzero(is_tested).tolist(), "values higher", "values lower")
    rows = np.array([day.rows for day in days], dtype=np.float64)
    missing = np.array([day.missing for day in days], dtype=np.float64)
    is_tested = (rows >= _FEWEST).all(axis=0)
    if is_tested.any() and missing.any():
        values = 2 * np.arcsin(np.sqrt(missing / np.maximum(rows, 1)))
        sampling = 1 / np.maximum(rows, 1)
        places = np.flatnonzero(is_tested).tolist()
        yield _largest(values, sampling, places, "more values missing", "fewer values missing")


def _largest(values: Floats, sampling: Floats, places: Sequence[int], more: str, less: str) -> Finding:
    """Test the hours of the last row of the values against those of the others."""
    tested = values[:, places]
    past, now, least = tested[:-1], tested[-1], sampling[-1, places]
    days = len(past)
    effects = now - past.mean(axis=0)
    variance = np.maximum(past.var(axis=0, ddof=1), least) * (1 + 1 / days)
    z = effects / np.sqrt(variance)
    at = int(np.argmax(np.abs(z)))
    by_hour = 2 * len(places) * float(special.stdtr(days - 1, -abs(float(z[at]))))
    by_law = beyond_past(past, now, least, np.zeros(days, dtype=np.int64), 0)
    hour, effect = places[at], float(effects[at])
    return Finding(
        p_value=min(max(by_hour, by_law), 1.0),
        effect=effect if math.isfinite(effect) else 0.0,
        expected=None,
        days=days,
        words=f"{more if effect > 0 else less} from {hour:02}:00 to {hour + 1:02}:00",
    )
