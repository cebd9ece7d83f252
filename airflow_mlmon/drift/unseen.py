"""Values of a partition out of the range of its reference, and vectors elsewhere, from their profiles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np

from airflow_mlmon.profiles.columns.dimensions import DimensionSums
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.spec.metrics import CENTROID_COSINE, OUT_OF_RANGE_RATE, ZERO_VECTOR_RATE
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import wilson_interval

_NO_VALUES = "no row has a value"


def ranges_without(days: Mapping[date, Profile]) -> dict[date, dict[str, NumericProfile]]:
    """Return, by day, the range of each number over the other days, as a profile of their extremes."""
    found: dict[date, dict[str, NumericProfile]] = {day: {} for day in days}
    for name in next(iter(days.values())).columns if days else ():
        held = {day: profile.columns[name] for day, profile in days.items()}
        numbers = {day: column for day, column in held.items() if isinstance(column, NumericProfile)}
        for day, others in _extremes_of_others(numbers):
            found[day][name] = others
    return found


def _extremes_of_others(days: Mapping[date, NumericProfile]) -> Iterator[tuple[date, NumericProfile]]:
    """Yield the extremes of a number over all days but each, in one pass; nothing of one day alone."""
    if len(days) <= 1:
        return
    lows = sorted((one.min, place, day) for place, (day, one) in enumerate(days.items()) if one.min is not None)
    highs = sorted((-one.max, place, day) for place, (day, one) in enumerate(days.items()) if one.max is not None)
    rows = sum(one.observed for one in days.values())
    above = sum(one.positive_infinities for one in days.values())
    below = sum(one.negative_infinities for one in days.values())
    for day, own in days.items():
        yield (
            day,
            NumericProfile(
                schema=own.schema,
                rows=rows - own.observed,
                min=next((days[other].min for _, _, other in lows if other != day), None),
                max=next((days[other].max for _, _, other in highs if other != day), None),
                positive_infinities=above - own.positive_infinities,
                negative_infinities=below - own.negative_infinities,
            ),
        )


def unseen_metrics(
    profile: Profile, reference: Profile, spec: ModelSpec, *, others: Mapping[str, NumericProfile] | None = None
) -> Iterator[MetricValue]:
    """Measure the features of a partition against the reference.

    `others` has the ranges of the other days, see `ranges_without`, if the partition is a day of the reference. Times
    are left out: those of a later day are always out of range.
    """
    for name in spec.features:
        if spec.columns[name].type is ColumnType.TIMESTAMP or name not in profile.columns:
            continue
        match profile.columns[name], reference.columns[name]:
            case NumericProfile() as column, NumericProfile() as known:
                yield _out_of_range_rate(name, column, known if others is None else others.get(name, known))
            case VectorProfile() as column, VectorProfile() as known:
                yield _zero_vector_rate(name, column)
                rest = known.dimensions if others is None else known.dimensions.without(column.dimensions)
                yield _centroid_cosine(name, column.dimensions, rest)


def count_out_of_range(column: NumericProfile, known: NumericProfile) -> tuple[int, int]:
    """Count the values below the smallest and above the largest of the reference, at least and at most.

    Both are the same where the values are counted one by one. On the grid, values that share a cell with the
    reference's extreme are not told from it. Infinities count where the reference has none of their sign.
    """
    infinite = column.positive_infinities * (not known.positive_infinities)
    infinite += column.negative_infinities * (not known.negative_infinities)
    if column.min is None or column.max is None or known.min is None or known.max is None:
        return infinite, infinite
    low, high = known.min - column.schema.centre, known.max - column.schema.centre
    is_low, is_high = column.min < known.min, column.max > known.max
    if not (is_low or is_high):
        return infinite, infinite
    if column.distribution.is_exact:
        values = column.distribution.values
        found = int(values.counts[(values.keys < low) | (values.keys > high)].sum())
        return infinite + found, infinite + found
    cells = column.distribution.cells
    first, last = to_cells(np.array([low, high])).tolist()
    beyond = int(cells.counts[(cells.keys < first) | (cells.keys > last)].sum())
    shared = (cells.keys == first) & is_low | (cells.keys == last) & is_high
    return infinite + beyond, infinite + beyond + int(cells.counts[shared].sum())


def _out_of_range_rate(name: str, column: NumericProfile, known: NumericProfile) -> MetricValue:
    rows = column.observed + column.infinities
    reason = "" if known.observed else "the reference has no value"
    return _share(OUT_OF_RANGE_RATE, name, count_out_of_range(column, known), rows, reason)


def _zero_vector_rate(name: str, column: VectorProfile) -> MetricValue:
    """Measure the share of vectors of norm 0; on the grid, those in its cell count."""
    norm = column.norm
    zero = -norm.schema.centre
    if norm.min:
        found = 0
    elif norm.distribution.is_exact:
        found = norm.distribution.values.count_of(zero)
    else:
        found = norm.distribution.cells.count_of(int(to_cells(np.array([zero]))[0]))
    return _share(ZERO_VECTOR_RATE, name, (found, found), norm.observed)


def _share(metric: str, name: str, counts: tuple[int, int], rows: int, reason: str = "") -> MetricValue:
    least, most = counts
    reason = reason or ("" if rows else _NO_VALUES)
    if reason:
        return MetricValue(metric=metric, column=name, value=None, rows=rows, reason=reason)
    value = MetricValue(
        metric=metric,
        column=name,
        value=least / rows,
        rows=rows,
        error_bound=(most - least) / rows if most > least else None,
    )
    return value.within(wilson_interval(least, rows))


def _centroid_cosine(name: str, now: DimensionSums, known: DimensionSums) -> MetricValue:
    """Measure the cosine of the angle between the means of the vectors; none where a mean is zero."""
    reason = ""
    if not now.rows or not known.rows:
        reason = _NO_VALUES if known.rows else "the reference has no vector"
    elif not any(now.totals) or not any(known.totals):
        reason = "the mean of the vectors is zero"
    if reason:
        return MetricValue(metric=CENTROID_COSINE, column=name, value=None, rows=now.rows, reason=reason)
    one, two = now.means, known.means
    cosine = float(one @ two) / math.sqrt(float(one @ one) * float(two @ two))
    return MetricValue(metric=CENTROID_COSINE, column=name, value=min(max(cosine, -1.0), 1.0), rows=now.rows)
