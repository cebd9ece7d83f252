"""Differences of the metrics of a ranking between two sets of groups, with Welch's intervals and p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_mlmon.statistics.intervals import mean_interval
from airflow_mlmon.statistics.two_sample import welch_p_value
from airflow_mlmon.tasks.contrast import Contrast, Difference
from airflow_mlmon.tasks.ranking.metrics import GroupMean, mean_of, measure_ranking
from airflow_mlmon.tasks.regression.table import LABEL_MEAN
from airflow_mlmon.tasks.sums import OutcomeSums


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
            reason = measured.reason if profile.rows else "no group is in it as a whole"
            return replace(made, low=None, high=None, note=f"{side}: {reason}")
        if measured.rows < minimum_rows:
            what = "labels" if metric == LABEL_MEAN else "groups"
            return replace(
                made, note=f"{side} has {measured.rows} {what} to measure {metric} on, fewer than {minimum_rows}"
            )
    return replace(made, p_value=_test(mean_of(rows, metric), mean_of(others, metric)))


def _difference(
    metric: str, first: float | None, second: float | None, before: OutcomeSums, after: OutcomeSums
) -> Difference:
    one, two = mean_of(before, metric), mean_of(after, metric)
    made = Difference(metric=metric, before=first, after=second)
    if first is None or second is None or one is None or two is None:
        return made
    low, high = mean_interval(one.value, one.deviation, one.count, (two.value, two.deviation, two.count))
    return replace(made, low=low, high=high)


def _test(one: GroupMean | None, two: GroupMean | None) -> float | None:
    if one is None or two is None:
        return None
    return welch_p_value((one.value, one.variance, one.count), (two.value, two.variance, two.count))
