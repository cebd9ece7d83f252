"""Differences of the metrics of a ranking between two sets of groups, with Welch's intervals and p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.intervals import mean_interval
from airflow_mlmon.statistics.welch import welch_p_value
from airflow_mlmon.tasks.contrast import Contrast, Difference
from airflow_mlmon.tasks.ranking.metrics import BY_GROUP, measure_ranking, moments_of
from airflow_mlmon.tasks.ranking.table import LABEL_MEAN
from airflow_mlmon.tasks.sums import OutcomeSums

# values that say how they vary
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Mean of some values with their standard deviation."""

    value: float
    deviation: float
    count: int

    @property
    def variance(self) -> float:
        """Variance of the mean."""
        return self.deviation**2 / self.count


def compare_rankings(
    before: OutcomeSums, after: OutcomeSums, min_coverage: float, names: Sequence[str]
) -> list[Difference]:
    """Compare every metric that needs labels between two versions; means have Welch's interval."""
    first = {value.metric: value.value for value in measure_ranking(before, min_coverage, names)}
    second = {value.metric: value.value for value in measure_ranking(after, min_coverage, names)}
    return [_difference(name, first[name], second[name], before, after) for name in first]


def contrast_rankings(
    metric: str, rows: OutcomeSums, others: OutcomeSums, *, min_coverage: float, minimum_rows: int
) -> Contrast:
    """Compare a metric between some groups and others by Welch's test (Biometrika 34, 1947).

    Nothing is tested on fewer than `minimum_rows` groups a side (labels, for their mean), or while less than
    `min_coverage` of the labels has come.
    """
    [found] = compare_rankings(others, rows, min_coverage, [metric])
    made = Contrast(own=found.after, other=found.before, low=found.low, high=found.high)
    for side, profile in (("the slice", rows), ("the other side", others)):
        [measured] = measure_ranking(profile, min_coverage, [metric])
        if measured.value is None:
            return replace(made, low=None, high=None, note=f"{side}: {measured.reason}")
        if measured.rows < minimum_rows:
            what = "labels" if metric == LABEL_MEAN else "groups"
            return replace(
                made, note=f"{side} has {measured.rows} {what} to measure {metric} on, fewer than {minimum_rows}"
            )
    return replace(made, p_value=_test(_mean(rows, metric), _mean(others, metric)))


def _difference(
    metric: str, first: float | None, second: float | None, before: OutcomeSums, after: OutcomeSums
) -> Difference:
    one, two = _mean(before, metric), _mean(after, metric)
    made = Difference(metric=metric, before=first, after=second)
    if first is None or second is None or one is None or two is None:
        return made
    low, high = mean_interval(one.value, one.deviation, one.count, (two.value, two.deviation, two.count))
    return replace(made, low=low, high=high)


def _mean(profile: OutcomeSums, metric: str) -> Mean | None:
    """Return the mean of a metric by groups, or of the labels; None if its variance is unknown."""
    if metric == LABEL_MEAN:
        label = profile.label
        if not isinstance(label, NumericProfile) or label.mean is None or label.std is None:
            return None
        return Mean(value=label.mean, deviation=label.std, count=label.observed)
    count, total, squares = moments_of(profile, metric) if metric in BY_GROUP else (0, 0.0, 0.0)
    if count < _FEWEST:
        return None
    spread = max(squares - total * total / count, 0.0)
    return Mean(value=total / count, deviation=math.sqrt(spread / (count - 1)), count=count)


def _test(one: Mean | None, two: Mean | None) -> float | None:
    if one is None or two is None:
        return None
    return welch_p_value(one.value - two.value, (one.variance, two.variance), (one.count, two.count))
