"""Choice of the columns that are derived from the reference's columns: those by which days can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.schema import Derivation
from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.spec.choices import MINIMUM_ROWS, ColumnType, Role
from airflow_mlmon.spec.forms import FORM_TYPES, FormFeature, derived_of_forms
from airflow_mlmon.spec.times import TIME_TYPES, TimeFeature, derived_of_times

if TYPE_CHECKING:
    # a comparison has no spec and need not import pydantic
    from airflow_mlmon.spec.model import ModelSpec

_Days = npt.NDArray[np.int64]
# a time follows the event if so many rows have the same number of weekdays between both
_FOLLOWING = 0.5
# 5 % point of the Kolmogorov-Smirnov distance, in units of its standard scale
_NOISE = 1.36
# texts of a day that are measured, about; an id is of equal length if so many are
_MEASURED = 10_000
_ALIKE = 0.95
# codes without an end: so many values, or so large a share of the rows with a value of their own
_MOST_VALUES = 1_000
_OPEN = 0.05


def choose_derivations(spec: ModelSpec, table: pa.Table) -> Iterator[tuple[str, ColumnType, Derivation]]:
    """Yield the columns that are derived from times, texts and ids, by name, with their type.

    Ages need event times. The age of a date that stands still while the days pass grows by itself, and the weekday of
    a time that follows the event is that of the day, so neither tells anything of a day, and neither is chosen.
    """
    names = set(table.column_names)
    for name, (source, feature) in derived_of_times(spec.columns).items():
        if names.issuperset((source, spec.time_column)) and _is_comparable(table, source, feature, spec):
            columns = (source, spec.time_column) if feature is TimeFeature.AGE else (source,)
            yield name, TIME_TYPES[feature], Derivation(feature=feature, columns=columns, zone=spec.day_zone)
    every = _one_in(table, spec)
    for name, form in derived_of_forms(spec.columns).items():
        if form[0] in names and _has_form(table.column(form[0]), form[0], form[1], spec):
            yield name, FORM_TYPES[form[1]], Derivation(feature=form[1], columns=(form[0],), every=every)


def _one_in(table: pa.Table, spec: ModelSpec) -> int:
    """Return the power of two by which the rows of a day of the reference are divided to some 10,000."""
    days = 1
    if spec.time_column in table.column_names:
        dates = _to_days(table.column(spec.time_column).drop_null(), spec.day_zone)
        days = max(len(np.unique(dates)), 1)
    return 1 << max(math.ceil(math.log2(max(table.num_rows / days, 1) / _MEASURED)), 0)


def _has_form(values: pa.ChunkedArray, name: str, feature: FormFeature, spec: ModelSpec) -> bool:
    """Return whether the form says more than the values: of an id, of free text, and of codes without an end.

    The length of ids that count upwards grows, so it is one of those of equal length alone.
    """
    if spec.columns[name].role is Role.ID:
        if not spec.reference.dated:
            # training data has no ids of predictions
            return False
        lengths = pc.utf8_length(values.cast(pa.string())).drop_null()
        alike = int(np.bincount(to_numpy(lengths)).max(initial=0))
        return alike >= MINIMUM_ROWS and (feature is not FormFeature.LENGTH or alike >= _ALIKE * len(lengths))
    counts = to_numpy(pc.value_counts(values.cast(pa.string()).drop_null()).field("counts"))
    once = int((counts == 1).sum())
    return len(counts) > _MOST_VALUES or once > max(_OPEN * int(counts.sum()), MINIMUM_ROWS)


def _is_comparable(table: pa.Table, source: str, feature: TimeFeature, spec: ModelSpec) -> bool:
    if feature is TimeFeature.HOUR:
        return True
    rows = table.select([source, spec.time_column]).drop_null()
    dates, events = (_to_days(rows.column(name), spec.day_zone) for name in (source, spec.time_column))
    if not len(dates):
        return False
    if feature is TimeFeature.WEEKDAY:
        return bool(np.bincount((events - dates) % 7).max() < _FOLLOWING * len(dates))
    return not _stands_still(dates, events)


def _to_days(times: pa.ChunkedArray, zone: str) -> _Days:
    local = pc.cast(times.cast(pa.timestamp("us", zone)), pa.date32())
    days: _Days = to_numpy(local.cast(pa.int32())).astype(np.int64)
    return days


def _stands_still(dates: _Days, events: _Days) -> bool:
    """Return whether the ages of later days differ from those of earlier ones more than the dates themselves do."""
    is_later = events > np.median(np.unique(events))
    later = int(is_later.sum())
    if not 0 < later < len(dates):
        return True
    ages = events - dates
    of_ages, of_dates = (_distance(values[~is_later], values[is_later]) for values in (ages, dates))
    return of_dates < of_ages and of_ages > _NOISE * math.sqrt(len(dates) / (later * (len(dates) - later)))


def _distance(one: _Days, other: _Days) -> float:
    """Compute the Kolmogorov-Smirnov distance."""
    points = np.unique(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(side), points, side="right") / len(side) for side in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
