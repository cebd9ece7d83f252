"""Realised performance of a regression from its outcome profile.

Every metric equals that of scikit-learn on the same rows, within the quanta of the profile; a quantile of the residual
is within half a cell of the grid. A metric that does not exist is None with the reason: one that cannot be computed for
a row, such as MAPE for a label of 0, is not computed for the rest, of which it would say too much good.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from airflow_mlmon.profiles.columns.grid import to_bounds, to_cells
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.intervals import positive_interval, quantile_interval, wilson_interval
from airflow_mlmon.tasks.coverage import measure_under_coverage
from airflow_mlmon.tasks.regression import residuals
from airflow_mlmon.tasks.regression.outcome import spread_of
from airflow_mlmon.tasks.regression.table import (
    INTERVAL_COVERAGE,
    INTERVAL_WIDTH,
    LABEL_MEAN,
    MEAN_ERROR,
    PINBALL_LOSS,
    QUANTILES,
)
from airflow_mlmon.tasks.sums import UNIT, OutcomeSums

# a value stands in the middle of its share of a cell
_MIDDLE = 0.5
_NO_ROW = "no row has both a label and a prediction"
_NO_BOUNDS = "no row has a label and both bounds"
_NO_QUANTILES = "no row has a label and all quantiles"


def measure_residuals(profile: OutcomeSums, min_coverage: float, names: Sequence[str]) -> list[MetricValue]:
    """Measure the named metrics, and of the labels themselves."""
    found = {value.metric: value for value in _measured(profile)}
    return measure_under_coverage(
        profile,
        min_coverage,
        of_labels=[found[LABEL_MEAN]],
        performance=[found[name] for name in names if name in found and name != LABEL_MEAN],
    )


def column_of(profile: OutcomeSums, name: str) -> NumericProfile | None:
    """Return the profile of a derived column; None where there is none."""
    column = profile.columns.get(name)
    return column if isinstance(column, NumericProfile) else None


def variance_of_mean(column: NumericProfile) -> float:
    """Return the variance of the mean of a column; 0 of fewer than two values."""
    degrees = column.observed - 1
    return (column.std or 0.0) * (column.std or 0.0) / degrees if degrees > 0 else 0.0


def variance_of_labels(profile: OutcomeSums) -> float:
    """Return the variance of the labels that have a prediction; 0 of none, and of equal ones."""
    rows, total, squares = (profile.sum(key) for key in ("rows", "label", "label2"))
    if not rows or profile.schema is None:
        return 0.0
    return (rows * squares - total * total) / rows**2 * profile.schema[residuals.LABEL].quantum ** 2


def error_to_size(profile: OutcomeSums) -> tuple[float, float] | None:
    """Return the sum of the absolute errors by that of the labels' magnitudes, and its variance by the delta method.

    There is none of labels that are all 0; one row has no variance.
    """
    absolute, rows = column_of(profile, residuals.ABSOLUTE), profile.sum("rows")
    if absolute is None or absolute.mean is None or profile.schema is None or not profile.sum("size"):
        return None
    label, error = (spread_of(profile.schema[name]) for name in (residuals.LABEL, residuals.RESIDUAL))
    size, squares, product = (profile.sum(key) * UNIT / rows for key in ("size", "size2", "e1size"))
    ratio = absolute.mean / (size * label)
    of_errors = absolute.mean**2 + (absolute.std or 0.0) ** 2
    variance = of_errors - 2 * ratio * product * label * error + ratio**2 * squares * label**2
    return ratio, max(variance, 0.0) / (rows * (size * label) ** 2) if rows > 1 else 0.0


def unexplained_variance(profile: OutcomeSums) -> tuple[float, float] | None:
    """Return 1 - R², and its variance by the delta method; None of labels that do not vary."""
    squared, rows = column_of(profile, residuals.SQUARED), profile.sum("rows")
    total = variance_of_labels(profile)
    if squared is None or squared.mean is None or profile.schema is None or not total:
        return None
    unexplained = squared.mean / total
    label, error = (spread_of(profile.schema[name]) for name in (residuals.LABEL, residuals.RESIDUAL))
    u1 = profile.sum("label") / rows * profile.schema[residuals.LABEL].quantum / label
    u2 = total / label**2 + u1**2
    u3, u4, e2u, e2u2 = (profile.sum(key) * UNIT / rows for key in ("u3", "u4", "e2u", "e2u2"))
    e2 = squared.mean / error**2
    # moments about the mean of the labels, in units of the spreads
    fourth = u4 - 4 * u1 * u3 + 6 * u1**2 * u2 - 3 * u1**4
    mixed = e2u2 - 2 * u1 * e2u + u1**2 * e2
    of_squares = squared.mean**2 + (squared.std or 0.0) ** 2
    variance = of_squares - 2 * unexplained * mixed * (error * label) ** 2 + unexplained**2 * fourth * label**4
    return unexplained, max(variance, 0.0) / (rows * total**2)


def scales_of(profile: OutcomeSums) -> Mapping[str, float]:
    """Return the standard deviations of the values whose means are evaluated."""
    columns = {MEAN_ERROR: column_of(profile, residuals.RESIDUAL), LABEL_MEAN: column_of(profile, residuals.LABEL)}
    return {metric: column.std for metric, column in columns.items() if column and column.std}


def _measured(profile: OutcomeSums) -> Iterator[MetricValue]:
    residual = column_of(profile, residuals.RESIDUAL)
    lack = _lack(residual)
    yield _label_mean(column_of(profile, residuals.LABEL))
    if residual is None or lack:
        yield _none(MEAN_ERROR, lack)
    else:
        yield MetricValue(metric=MEAN_ERROR, value=residual.mean, rows=residual.observed).within(residual.mean_interval)
    yield _mean(profile, "mae", residuals.ABSOLUTE, lack, "")
    squared = _mean(profile, "mse", residuals.SQUARED, lack, "")
    yield squared
    yield _root("rmse", squared, profile, residuals.SQUARED)
    yield _mean(profile, "mape", residuals.PERCENTAGE, lack, "rows with a label of 0, which no error is a share of: {}")
    yield _wmape(profile, lack)
    far = "rows with a label or prediction at or below -1: {}"
    yield _root("rmsle", _mean(profile, "rmsle", residuals.SQUARED_LOG, lack, far), profile, residuals.SQUARED_LOG)
    yield _r2(profile, lack)
    for metric, share in QUANTILES.items():
        yield _quantile(metric, share, column_of(profile, metric) or residual)
    yield _max_error(profile, lack)
    yield _coverage(profile)
    yield _of_bounds(profile)
    yield _mean(profile, PINBALL_LOSS, residuals.PINBALL, "", "rows with an infinite loss: {}", otherwise=_NO_QUANTILES)


def _label_mean(label: NumericProfile | None) -> MetricValue:
    if label is None or not label.observed or label.infinities:
        return _none(LABEL_MEAN, f"infinite labels: {label.infinities}" if label and label.infinities else "no labels")
    return MetricValue(metric=LABEL_MEAN, value=label.mean, rows=label.observed).within(label.mean_interval)


def _lack(residual: NumericProfile | None) -> str:
    """Return why there is no error to measure; empty if there is one."""
    if residual is None or not (residual.observed or residual.infinities):
        return _NO_ROW
    return f"rows with an infinite residual: {residual.infinities}" if residual.infinities else ""


def _mean(
    profile: OutcomeSums, metric: str, name: str, lack: str, far: str, *, otherwise: str = _NO_ROW
) -> MetricValue:
    """Measure the mean of a column that is never negative, with an interval that is not either."""
    column = column_of(profile, name)
    if lack or column is None:
        return _none(metric, lack or otherwise)
    if column.infinities:
        return _none(metric, far.format(column.infinities))
    if column.mean is None:
        return _none(metric, otherwise)
    # a mean of nothing but zeros may be a rounding error away from 0
    mean = max(column.mean, 0.0)
    measured = MetricValue(metric=metric, value=mean, rows=column.observed)
    return measured.within(positive_interval(mean, variance_of_mean(column)))


def _root(metric: str, mean: MetricValue, profile: OutcomeSums, name: str) -> MetricValue:
    column = column_of(profile, name)
    if mean.value is None or column is None:
        return _none(metric, mean.reason)
    root = math.sqrt(mean.value)
    interval = positive_interval(root, variance_of_mean(column) / (4 * mean.value)) if root else None
    return MetricValue(metric=metric, value=root, rows=mean.rows).within(interval)


def _wmape(profile: OutcomeSums, lack: str) -> MetricValue:
    if lack:
        return _none("wmape", lack)
    found = error_to_size(profile)
    if found is None:
        return _none("wmape", "all labels are 0")
    return MetricValue(metric="wmape", value=found[0], rows=profile.sum("rows")).within(positive_interval(*found))


def _r2(profile: OutcomeSums, lack: str) -> MetricValue:
    rows = profile.sum("rows")
    if lack:
        return _none("r2", lack)
    found = unexplained_variance(profile)
    if found is None:
        return _none("r2", f"all {rows} labels are equal" if rows > 1 else "one label has no variance")
    interval = positive_interval(*found)
    return MetricValue(metric="r2", value=1 - found[0], rows=rows).within(
        interval and (1 - interval[1], 1 - interval[0])
    )


def _quantile(metric: str, share: float, residual: NumericProfile | None) -> MetricValue:
    """Measure a quantile, with the interval of the order statistics around it."""
    if residual is None or not residual.observed:
        return _none(metric, _lack(residual))
    value, bound = _value_at(residual, share)
    measured = MetricValue(metric=metric, value=value, rows=residual.observed, error_bound=bound)
    ends = quantile_interval(share, residual.observed)
    return measured.within(ends and (_value_at(residual, ends[0])[0], _value_at(residual, ends[1])[0]))


def _value_at(residual: NumericProfile, share: float) -> tuple[float, float]:
    """Return the smallest value that a share of the values do not exceed, and the largest error of it.

    Within a cell of the grid, values are taken to lie evenly.
    """
    points = residual.distribution.points
    reached = np.cumsum(points.counts)
    place = min(int(np.searchsorted(reached, share * points.rows)), len(points) - 1)
    middle, count = float(points.keys[place]), int(points.counts[place])
    if residual.distribution.is_exact or residual.distribution.atoms.count_of(middle):
        return residual.schema.centre + middle, 0.0
    low, high = (float(ends[0]) for ends in to_bounds(to_cells(np.array([middle]))))
    rank = share * points.rows - float(reached[place] - count)
    value = low + (high - low) * min(max((rank - _MIDDLE) / count, 0.0), 1.0)
    return residual.schema.centre + value, max(value - low, high - value)


def _max_error(profile: OutcomeSums, lack: str) -> MetricValue:
    absolute = column_of(profile, residuals.ABSOLUTE)
    if lack or absolute is None:
        return _none("max_error", lack or _NO_ROW)
    if absolute.max is None:
        return _none("max_error", "the largest of the other rows is not known")
    return MetricValue(metric="max_error", value=absolute.max, rows=absolute.observed)


def _coverage(profile: OutcomeSums) -> MetricValue:
    rows, crossed = profile.sum("bounded"), profile.sum("crossed")
    if not rows or crossed:
        return _none(INTERVAL_COVERAGE, _crossed(crossed) if crossed else _NO_BOUNDS)
    covered = profile.sum("covered")
    return MetricValue(metric=INTERVAL_COVERAGE, value=covered / rows, rows=rows).within(wilson_interval(covered, rows))


def _of_bounds(profile: OutcomeSums) -> MetricValue:
    if crossed := profile.sum("crossed"):
        return _none(INTERVAL_WIDTH, _crossed(crossed))
    return _mean(
        profile, INTERVAL_WIDTH, residuals.WIDTH, "", "rows with an infinite interval: {}", otherwise=_NO_BOUNDS
    )


def _crossed(rows: int) -> str:
    return f"rows with a lower bound above the upper one: {rows}"


def _none(metric: str, reason: str) -> MetricValue:
    return MetricValue(metric=metric, value=None, rows=0, reason=reason)
