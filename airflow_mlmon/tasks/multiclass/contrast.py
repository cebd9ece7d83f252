"""Differences of the metrics of a classifier of several classes between two sets of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.statistics.intervals import Interval, interval_around, share_interval
from airflow_mlmon.tasks.contrast import Contrast, Difference
from airflow_mlmon.tasks.multiclass.metrics import Confusion, measure_classifications, top_of
from airflow_mlmon.tasks.multiclass.outcome import RANKS
from airflow_mlmon.tasks.multiclass.table import MAJORITY_RATE
from airflow_mlmon.tasks.sums import UNIT, OutcomeSums

_LOSSES = ("log_loss", "brier")


def compare_classifications(before: OutcomeSums, after: OutcomeSums, min_coverage: float) -> list[Difference]:
    """Compare every metric that needs labels between two versions.

    Shares of rows have Agresti and Caffo's interval, mean losses Welch's. The others have none: two intervals that
    overlap say nothing of a difference.
    """
    first, second = (
        {value.metric: value for value in measure_classifications(side, min_coverage)} for side in (before, after)
    )
    intervals = dict(_intervals(before, after))
    return [_difference(first[metric], second[metric], intervals.get(metric)) for metric in first]


def contrast_classifications(
    metric: str, rows: OutcomeSums, others: OutcomeSums, *, min_coverage: float, minimum_rows: int
) -> Contrast:
    """Compare a share of rows between some rows and others, with the p-value of Fisher's exact test.

    The interval is that of `compare_classifications`, before any correction. Nothing is tested on fewer than
    `minimum_rows` rows a side, or while less than `min_coverage` of the labels has come.
    """
    [found] = [row for row in compare_classifications(others, rows, min_coverage) if row.metric == metric]
    made = Contrast(own=found.after, other=found.before, low=found.low, high=found.high)
    for side, profile in (("the slice", rows), ("the other side", others)):
        [value] = [value for value in measure_classifications(profile, min_coverage) if value.metric == metric]
        if value.value is None:
            return replace(made, low=None, high=None, note=f"{side}: {value.reason or 'no value'}")
        if value.rows < minimum_rows:
            return replace(made, note=f"{side} has {value.rows} rows to measure {metric} on, fewer than {minimum_rows}")
    share = SHARES[metric]
    return replace(made, p_value=exact_p_value(*share(rows), *share(others)))


def _hits(side: OutcomeSums) -> tuple[int, int]:
    confusion = Confusion.of(side)
    return int(confusion.hits.sum()), confusion.rows


def _majority(side: OutcomeSums) -> tuple[int, int]:
    label = side.label
    return (label.known.count_of(0) if isinstance(label, CategoryProfile) else 0), label.observed


def _among_top(side: OutcomeSums) -> tuple[int, int]:
    ranks = side.tally(RANKS)
    return int(ranks.counts[ranks.keys <= top_of(side)].sum()), side.sum("probable")


# of each metric that is a share of rows: how many count, of how many
SHARES: Mapping[str, Callable[[OutcomeSums], tuple[int, int]]] = {
    "accuracy": _hits,
    MAJORITY_RATE: _majority,
    "top_k_accuracy": _among_top,
}


def _intervals(before: OutcomeSums, after: OutcomeSums) -> Iterator[tuple[str, Interval]]:
    for metric, share in SHARES.items():
        yield metric, share_interval(*share(before), *share(after))
    for metric in _LOSSES:
        means, variances = zip(*(_mean_loss(side, metric) for side in (before, after)), strict=True)
        if all(variances):
            yield metric, interval_around(means[1] - means[0], sum(variances))


def _mean_loss(side: OutcomeSums, metric: str) -> tuple[float, float]:
    """Return a mean loss and its variance; 0 of fewer than two rows."""
    rows, total, squares = side.sum("probable"), side.sum(metric) * UNIT, side.sum(f"{metric}2") * UNIT
    if rows < 2:  # noqa: PLR2004 - a variance needs two
        return 0.0, 0.0
    mean = total / rows
    return mean, max(squares / rows - mean**2, 0.0) / (rows - 1)


def _difference(before: MetricValue, after: MetricValue, interval: Interval | None) -> Difference:
    made = Difference(metric=before.metric, before=before.value, after=after.value)
    if interval is None or before.value is None or after.value is None:
        return made
    return replace(made, low=interval[0], high=interval[1])
