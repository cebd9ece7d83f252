"""Differences of the metrics of a binary classifier between two sets of rows, with their intervals and p-values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.statistics.intervals import Interval, auc_variance, interval_around, share_interval
from airflow_mlmon.tasks.binary.metrics import measure_outcomes, roc_auc
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.contrast import Contrast, Difference

# the law of an area under the ROC curve does not hold for fewer labels of a class
_FEWEST_OF_CLASS = 20
_AUC = "roc_auc"
# of each metric that is a share: how many rows count, of how many
_SHARES: Mapping[str, Callable[[BinaryOutcomes], tuple[int, int]]] = {
    "positive_rate": lambda side: (side.positive, side.labelled),
    "accuracy": lambda side: (side.true_positive + side.true_negative, side.classified),
    "precision": lambda side: (side.true_positive, side.true_positive + side.false_positive),
    "recall": lambda side: (side.true_positive, side.true_positive + side.false_negative),
    "specificity": lambda side: (side.true_negative, side.true_negative + side.false_positive),
    "fpr": lambda side: (side.false_positive, side.true_negative + side.false_positive),
    "fnr": lambda side: (side.false_negative, side.true_positive + side.false_negative),
}


def compare_outcomes(
    before: BinaryOutcomes, after: BinaryOutcomes, min_coverage: float, worth: Worth | None = None
) -> list[Difference]:
    """Compare every metric that needs labels between two versions.

    Shares of rows, such as accuracy, precision and recall, have Agresti and Caffo's interval; the ROC AUC that of
    Hanley and McNeil, the sides being different rows. The others have none: what is kept of labelled rows does not
    say how their losses vary.
    """
    first = {value.metric: value.value for value in measure_outcomes(before, min_coverage, worth)}
    second = {value.metric: value.value for value in measure_outcomes(after, min_coverage, worth)}
    intervals = dict(_intervals(before, after, first, second))
    return [_difference(metric, first[metric], second[metric], intervals.get(metric)) for metric in first]


def contrast_outcomes(
    metric: str, rows: BinaryOutcomes, others: BinaryOutcomes, *, min_coverage: float, minimum_rows: int
) -> Contrast:
    """Compare a metric between some rows and others, with its p-value.

    Shares of rows (accuracy, precision, recall, specificity, positive labels) have Fisher's exact test, which keeps
    its level at any number of rows and in tails as far as a correction over many slices asks for; an area under the
    ROC curve the normal law with Hanley and McNeil's variance, where either side has 20 labels of each
    class. The interval is that of `compare_outcomes`, before any correction. Nothing is tested on fewer
    than `minimum_rows` rows a side, or while less than `min_coverage` of the labels has come.
    """
    [found] = [row for row in compare_outcomes(others, rows, min_coverage) if row.metric == metric]
    made = Contrast(own=found.after, other=found.before, low=found.low, high=found.high)
    for side, profile, value in (("the slice", rows, made.own), ("the other side", others, made.other)):
        if value is None:
            return replace(made, low=None, high=None, note=f"{side}: {_reason(metric, profile, min_coverage)}")
        if (count := _count(metric, profile)) < minimum_rows:
            return replace(made, note=f"{side} has {count} rows to measure {metric} on, fewer than {minimum_rows}")
    if metric in _SHARES:
        share = _SHARES[metric]
        return replace(made, p_value=exact_p_value(*share(rows), *share(others)))
    fewest = min(min(side.positive_cells.rows, side.negative_cells.rows) for side in (rows, others))
    if fewest < _FEWEST_OF_CLASS:
        return replace(made, note=f"a side has {fewest} labels of a class, fewer than {_FEWEST_OF_CLASS}")
    return replace(made, p_value=_auc_p_value(rows, others))


def _intervals(
    before: BinaryOutcomes, after: BinaryOutcomes, first: dict[str, float | None], second: dict[str, float | None]
) -> Iterator[tuple[str, Interval]]:
    for metric, share in _SHARES.items():
        yield metric, share_interval(*share(before), *share(after))
    aucs = (first[_AUC], second[_AUC])
    if aucs[0] is not None and aucs[1] is not None:
        variance = _variance(aucs[0], before) + _variance(aucs[1], after)
        yield _AUC, interval_around(aucs[1] - aucs[0], variance)


def _difference(metric: str, before: float | None, after: float | None, interval: Interval | None) -> Difference:
    if interval is None or before is None or after is None:
        return Difference(metric=metric, before=before, after=after)
    return Difference(metric=metric, before=before, after=after, low=interval[0], high=interval[1])


def _variance(auc: float, side: BinaryOutcomes) -> float:
    return auc_variance(auc, side.positive_cells.rows, side.negative_cells.rows)


def _auc_p_value(rows: BinaryOutcomes, others: BinaryOutcomes) -> float:
    """Test two areas, two-sided, by the normal law.

    The variance is the larger of two: at the areas as they are, and at their common one, because an area
    of 1 has none of its own.
    """
    sides = (rows, others)
    areas = [(found[0] if (found := roc_auc(side)) else 0.0) for side in sides]
    weights = [side.positive_cells.rows * side.negative_cells.rows for side in sides]
    common = sum(area * weight for area, weight in zip(areas, weights, strict=True)) / sum(weights)
    variance = max(
        sum(_variance(area, side) for area, side in zip(of, sides, strict=True)) for of in (areas, [common, common])
    )
    if variance <= 0:
        return 1.0
    return math.erfc(abs(areas[0] - areas[1]) / math.sqrt(2 * variance))


def _count(metric: str, side: BinaryOutcomes) -> int:
    return _SHARES[metric](side)[1] if metric in _SHARES else side.scored


def _reason(metric: str, side: BinaryOutcomes, min_coverage: float) -> str:
    [value] = [value for value in measure_outcomes(side, min_coverage) if value.metric == metric]
    return value.reason or "no value"
