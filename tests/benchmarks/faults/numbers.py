"""Faults in columns of numbers. The share of a strength is that of the day's rows, unless it is said otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.faults.planting import Day, Kind, Planted, has_values, is_continuous, is_varied

_NUMBERS = ("float", "integer")


def _numbers(day: Day) -> list[str]:
    return day.source.features(*_NUMBERS)


def _changed(day: Day, name: str, values: pd.Series | np.ndarray) -> Planted:
    """The day with other values in one column of numbers."""
    rows = day.rows
    new = pd.Series(np.asarray(pd.Series(values), float), index=rows.index)
    if day.source.columns[name]["type"] == "integer":
        new = new.round().astype("Int64")
    return Planted(rows.assign(**{name: new}), (name,))


def _floats(day: Day, name: str) -> np.ndarray:
    return day.source.by_day[day.date][name].to_numpy(dtype=float, na_value=np.nan, copy=True)


def _unit(factor: float) -> Callable[[Day, float], Planted | None]:
    def plant(day: Day, share: float) -> Planted | None:
        """A share of the rows has a column in another unit."""
        if not (name := day.pick(_numbers(day), is_varied)):
            return None
        values = _floats(day, name)
        return _changed(day, name, np.where(day.some(share), values * factor, values))

    return plant


def sign(day: Day, share: float) -> Planted | None:
    """A share of the rows has the opposite sign."""
    if not (name := day.pick(_numbers(day), is_varied)):
        return None
    values = _floats(day, name)
    return _changed(day, name, np.where(day.some(share), -values, values))


def swapped_numbers(day: Day, share: float) -> Planted | None:
    """Two columns of numbers take each other's place in a share of the rows."""
    one = day.pick(_numbers(day), is_varied)
    other = day.pick([name for name in _numbers(day) if name != one], is_varied)
    if not other:
        return None
    mask, first, second = day.some(share), _floats(day, one), _floats(day, other)
    planted = _changed(day, one, np.where(mask, second, first))
    swapped = _changed(day, other, np.where(mask, first, second))
    assert planted.rows is not None
    assert swapped.rows is not None
    return Planted(planted.rows.assign(**{other: swapped.rows[other]}), (one, other))


def stuck_value(day: Day, share: float) -> Planted | None:
    """A column repeats its last value for a share of the rows that follow each other."""
    if not (name := day.pick(_numbers(day), is_varied)):
        return None
    values = _floats(day, name)
    count = max(2, round(share * len(values)))
    first = int(day.random.random() * (len(values) - count + 1))
    known = values[: first + 1][~np.isnan(values[: first + 1])]
    values[first : first + count] = known[-1] if len(known) else np.nanmedian(values)
    return _changed(day, name, values)


def default_value(day: Day, share: float) -> Planted | None:
    """A share of the rows has -1 in the place of its value."""
    if not (name := day.pick(_numbers(day), has_values)):
        return None
    return _changed(day, name, np.where(day.some(share), -1.0, _floats(day, name)))


def default_for_null(day: Day, share: float) -> Planted | None:
    """A share of the empty values of a column becomes 0."""
    if not (name := day.pick(_numbers(day), _has_nulls)):
        return None
    values = _floats(day, name)
    return _changed(day, name, np.where(day.some(share, np.isnan(values)), 0.0, values))


def nulls_vanish(day: Day, share: float) -> Planted | None:
    """A share of the empty values of a column is filled with values of other rows."""
    if not (name := day.pick(_numbers(day), _has_nulls)):
        return None
    values = _floats(day, name)
    drawn = day.random.choice(values[~np.isnan(values)], len(values))
    return _changed(day, name, np.where(day.some(share, np.isnan(values)), drawn, values))


def _has_nulls(column: pd.Series) -> bool:
    return bool(0.02 <= column.isna().mean() <= 0.98)


def nulls(day: Day, share: float) -> Planted | None:
    """A share of the rows has no value."""
    names = day.source.features("float", "integer", "category", "boolean")
    if not (name := day.pick(names, has_values)):
        return None
    rows = day.rows
    return Planted(rows.assign(**{name: rows[name].mask(day.some(share))}), (name,))


def rounding(day: Day, deviations: float) -> Planted | None:
    """Values are rounded to so many standard deviations."""
    if not (name := day.pick(_numbers(day), is_continuous)):
        return None
    values = _floats(day, name)
    unit = deviations * np.nanstd(values)
    return _changed(day, name, np.round(values / unit) * unit)


def noise(day: Day, deviations: float) -> Planted | None:
    """Normal noise of so many standard deviations is added to each value."""
    if not (name := day.pick(_numbers(day), is_continuous)):
        return None
    values = _floats(day, name)
    return _changed(day, name, values + deviations * np.nanstd(values) * day.random.standard_normal(len(values)))


def variance_collapse(day: Day, share: float) -> Planted | None:
    """Values move towards the column's mean, by a share of their distance."""
    if not (name := day.pick(_numbers(day), is_continuous)):
        return None
    values = _floats(day, name)
    return _changed(day, name, values + share * (np.nanmean(values) - values))


def clipping(day: Day, share: float) -> Planted | None:
    """A share of the values, the largest, is cut to the largest of the others."""
    if not (name := day.pick(_numbers(day), is_continuous)):
        return None
    values = _floats(day, name)
    return _changed(day, name, np.minimum(values, np.nanquantile(values, 1 - share)))


def one_extreme(day: Day, factor: float) -> Planted | None:
    """One row has so many times the largest value of the day."""
    if not (name := day.pick(_numbers(day), is_varied)):
        return None
    values = _floats(day, name)
    values[int(day.random.integers(len(values)))] = factor * np.nanmax(np.abs(values))
    return _changed(day, name, values)


def shuffled(day: Day, share: float) -> Planted | None:
    """A share of the rows exchanges the values of a column among each other."""
    if not (name := day.pick(_numbers(day), is_varied)):
        return None
    values, places = _floats(day, name), np.flatnonzero(day.some(share))
    values[places] = values[day.random.permutation(places)]
    return _changed(day, name, values)


def mean_shift(day: Day, deviations: float) -> Planted | None:
    """Each value moves by so many standard deviations."""
    if not (name := day.pick(_numbers(day), is_continuous)):
        return None
    values = _floats(day, name)
    return _changed(day, name, values + deviations * np.nanstd(values))


def broken_order(day: Day, share: float) -> Planted | None:
    """In a share of the rows, the larger of two ordered columns takes the place of the smaller and the other way."""
    if not day.source.orders:
        return None
    low, high = day.source.orders[int(day.random.integers(len(day.source.orders)))]
    rows = day.rows
    differ = (rows[low].notna() & rows[high].notna() & (rows[low] < rows[high])).to_numpy()
    if not differ.any():
        return None
    mask = day.some(share, differ)
    swapped = rows.assign(**{low: rows[low].mask(mask, rows[high]), high: rows[high].mask(mask, rows[low])})
    return Planted(swapped, (low, high))


def equal_columns(day: Day, share: float) -> Planted | None:
    """A share of the rows has a column's value in another column too."""
    one = day.pick(_numbers(day), is_varied)
    other = day.pick([name for name in _numbers(day) if name != one], is_varied)
    if not other:
        return None
    planted = _changed(day, other, np.where(day.some(share), _floats(day, one), _floats(day, other)))
    return Planted(planted.rows, (other, one))


def unreadable(day: Day, share: float) -> Planted | None:
    """A share of the rows has a number as a text with a decimal comma and a currency."""
    if not (name := day.pick(_numbers(day), has_values)):
        return None
    rows = day.rows
    mask = day.some(share)
    texts = [
        None if pd.isna(value) else f"{float(value):.2f} EUR".replace(".", ",") if chosen else str(value)
        for value, chosen in zip(rows[name], mask, strict=True)
    ]
    return Planted(rows.assign(**{name: texts}), (name,), texts=frozenset({name}))


KINDS = (
    Kind("unit_10", (0.02, 0.2, 1), _unit(10)),
    Kind("unit_100", (0.01, 0.1, 1), _unit(100)),
    Kind("unit_1000", (0.005, 0.05, 1), _unit(1000)),
    Kind("sign", (0.02, 0.2, 1), sign),
    Kind("swapped_numbers", (0.05, 0.25, 1), swapped_numbers),
    Kind("stuck_value", (0.1, 0.3, 1), stuck_value),
    Kind("default_value", (0.02, 0.1, 0.5), default_value),
    Kind("default_for_null", (0.2, 0.6, 1), default_for_null),
    Kind("nulls_vanish", (0.5, 0.8, 1), nulls_vanish),
    Kind("nulls", (0.02, 0.1, 0.5), nulls),
    Kind("rounding", (0.1, 0.5, 2), rounding),
    Kind("noise", (0.2, 0.5, 2), noise),
    Kind("variance_collapse", (0.2, 0.5, 0.9), variance_collapse),
    Kind("clipping", (0.05, 0.25, 0.5), clipping),
    Kind("one_extreme", (3, 100, 1e6), one_extreme),
    Kind("shuffled", (0.2, 0.5, 1), shuffled),
    Kind("mean_shift", (0.2, 0.5, 1.5), mean_shift),
    Kind("broken_order", (0.01, 0.05, 0.25), broken_order),
    Kind("equal_columns", (0.1, 0.5, 1), equal_columns),
    Kind("unreadable", (0.01, 0.1, 1), unreadable),
)
