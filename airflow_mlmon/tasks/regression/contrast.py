"""Differences of the metrics of a regression between two sets of rows, with their intervals and p-values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.statistics.intervals import Interval, interval_around, share_interval
from airflow_mlmon.statistics.two_sample import welch_p_value
from airflow_mlmon.tasks.contrast import Contrast, Difference
from airflow_mlmon.tasks.means import difference_of_means
from airflow_mlmon.tasks.regression import residuals
from airflow_mlmon.tasks.regression.metrics import (
    column_of,
    error_to_size,
    measure_residuals,
    unexplained_variance,
    variance_of_mean,
)
from airflow_mlmon.tasks.regression.table import (
    INTERVAL_COVERAGE,
    INTERVAL_WIDTH,
    LABEL_MEAN,
    MEAN_ERROR,
    PINBALL_LOSS,
)
from airflow_mlmon.tasks.sums import OutcomeSums

# of each metric that is a mean: the column whose mean it is
_MEANS: Mapping[str, str] = {
    LABEL_MEAN: residuals.LABEL,
    MEAN_ERROR: residuals.RESIDUAL,
    "mae": residuals.ABSOLUTE,
    "mse": residuals.SQUARED,
    "mape": residuals.PERCENTAGE,
    INTERVAL_WIDTH: residuals.WIDTH,
    PINBALL_LOSS: residuals.PINBALL,
}
_ROOTS: Mapping[str, str] = {"rmse": residuals.SQUARED, "rmsle": residuals.SQUARED_LOG}


def compare_residuals(
    before: OutcomeSums, after: OutcomeSums, min_coverage: float, names: Sequence[str]
) -> list[Difference]:
    """Compare every metric that needs labels between two versions.

    Means have Welch's interval, roots and ratios of means that of the delta method, the coverage Agresti and Caffo's.
    The others have none: two intervals that overlap say nothing of a difference.
    """
    first = {value.metric: value.value for value in measure_residuals(before, min_coverage, names)}
    second = {value.metric: value.value for value in measure_residuals(after, min_coverage, names)}
    intervals = dict(_intervals(before, after, first, second))
    return [_difference(metric, first[metric], second[metric], intervals.get(metric)) for metric in first]


def contrast_residuals(
    metric: str, rows: OutcomeSums, others: OutcomeSums, *, min_coverage: float, minimum_rows: int
) -> Contrast:
    """Compare a metric between some rows and others, with its p-value.

    Means have Welch's test, the coverage Fisher's exact test. The interval is that of `compare_residuals`, before any
    correction. Nothing is tested on fewer than `minimum_rows` rows a side, or while less than `min_coverage` of the
    labels has come.
    """
    [found] = [row for row in compare_residuals(others, rows, min_coverage, [metric]) if row.metric == metric]
    made = Contrast(own=found.after, other=found.before, low=found.low, high=found.high)
    for side, profile, value in (("the slice", rows, made.own), ("the other side", others, made.other)):
        [measured] = [one for one in measure_residuals(profile, min_coverage, [metric]) if one.metric == metric]
        if value is None:
            return replace(made, low=None, high=None, note=f"{side}: {measured.reason or 'no value'}")
        if measured.rows < minimum_rows:
            return replace(
                made, note=f"{side} has {measured.rows} rows to measure {metric} on, fewer than {minimum_rows}"
            )
    if metric == INTERVAL_COVERAGE:
        return replace(made, p_value=exact_p_value(*_covered(rows), *_covered(others)))
    return replace(made, p_value=_p_value(column_of(rows, _MEANS[metric]), column_of(others, _MEANS[metric])))


def _intervals(
    before: OutcomeSums, after: OutcomeSums, first: Mapping[str, float | None], second: Mapping[str, float | None]
) -> Iterator[tuple[str, Interval]]:
    for metric, name in _MEANS.items():
        if interval := difference_of_means(column_of(before, name), column_of(after, name)):
            yield metric, interval
    for metric, name in _ROOTS.items():
        sides = [(column_of(before, name), first.get(metric)), (column_of(after, name), second.get(metric))]
        variances = [variance_of_mean(column) / (4 * root**2) for column, root in sides if column and root]
        if len(variances) == len(sides):
            yield metric, interval_around((sides[1][1] or 0.0) - (sides[0][1] or 0.0), sum(variances))
    for metric, sign, ratio_of in (("wmape", 1, error_to_size), ("r2", -1, unexplained_variance)):
        one, two = ratio_of(before), ratio_of(after)
        if one and two:
            yield metric, interval_around(sign * (two[0] - one[0]), one[1] + two[1])
    yield INTERVAL_COVERAGE, share_interval(*_covered(before), *_covered(after))


def _difference(metric: str, before: float | None, after: float | None, interval: Interval | None) -> Difference:
    if interval is None or before is None or after is None:
        return Difference(metric=metric, before=before, after=after)
    return Difference(metric=metric, before=before, after=after, low=interval[0], high=interval[1])


def _covered(side: OutcomeSums) -> tuple[int, int]:
    return side.sum("covered"), side.sum("bounded")


def _p_value(rows: NumericProfile | None, others: NumericProfile | None) -> float | None:
    """Test two means; None where a side has none."""
    if rows is None or others is None or rows.mean is None or others.mean is None:
        return None
    first = rows.mean, variance_of_mean(rows), rows.observed
    return welch_p_value(first, (others.mean, variance_of_mean(others), others.observed))
