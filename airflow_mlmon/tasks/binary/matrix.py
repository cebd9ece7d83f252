"""Metrics of a confusion matrix that are no share of rows: of both classes alike, or by what each cell is worth."""

from __future__ import annotations

import math

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.statistics.intervals import Interval, auc_interval, interval_around, mean_interval_of_sums
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.table import BUSINESS_VALUE

_ONE_CLASS = "all labels are of one class"


def balanced_accuracy(profile: BinaryOutcomes, lack: str) -> MetricValue:
    """Average recall and specificity, with the interval of two independent shares on the logit scale."""
    metric = "balanced_accuracy"
    sides = (
        (profile.true_positive, profile.true_positive + profile.false_negative),
        (profile.true_negative, profile.true_negative + profile.false_positive),
    )
    if not all(rows for _, rows in sides):
        return _none(metric, profile, lack or _ONE_CLASS)
    value = sum(hits / rows for hits, rows in sides) / 2
    # one success and one failure more, so that a class of few rows is not certain
    shares = [((hits + 1) / (rows + 2), rows + 2) for hits, rows in sides]
    variance = sum(share * (1 - share) / rows for share, rows in shares) / 4
    measured = MetricValue(metric=metric, value=value, rows=profile.classified)
    return measured.within(auc_interval(value, variance))


def matthews(profile: BinaryOutcomes, lack: str) -> MetricValue:
    """Correlate labels and predictions (Matthews), with the interval of Fisher's transformation."""
    cells = hits, false_alarms, misses, rejections = (
        profile.true_positive,
        profile.false_positive,
        profile.false_negative,
        profile.true_negative,
    )
    predicted, labelled = (hits + false_alarms, misses + rejections), (hits + misses, false_alarms + rejections)
    if not all(labelled):
        return _none("matthews", profile, lack or _ONE_CLASS)
    if not all(predicted):
        return _none("matthews", profile, "all predictions are of one class")
    scale = math.sqrt(math.prod(predicted)) * math.sqrt(math.prod(labelled))
    value = (hits * rejections - false_alarms * misses) / scale
    # of the multinomial law of the cells: what the correlation gains with a row more in each
    gains = [
        other / scale - value / 2 * (1 / row + 1 / column)
        for other, row, column in zip(
            (rejections, -misses, -false_alarms, hits),
            (predicted[0], predicted[0], predicted[1], predicted[1]),
            (labelled[0], labelled[1], labelled[0], labelled[1]),
            strict=True,
        )
    ]
    variance = sum(rows * gain**2 for rows, gain in zip(cells, gains, strict=True))
    measured = MetricValue(metric="matthews", value=value, rows=profile.classified)
    return measured.within(_fisher_interval(value, variance))


def business_value(profile: BinaryOutcomes, worth: Worth, lack: str) -> MetricValue:
    """Average what the cells of the labelled rows are worth, with the normal interval."""
    rows = profile.classified
    if not rows:
        return _none(BUSINESS_VALUE, profile, lack)
    total, squares = (
        sum(getattr(profile, cell) * each**power for cell, each in worth.cells.items()) for power in (1, 2)
    )
    measured = MetricValue(metric=BUSINESS_VALUE, value=total / rows, rows=rows)
    return measured.within(mean_interval_of_sums(rows, total, squares))


def _fisher_interval(value: float, variance: float) -> Interval | None:
    if abs(value) >= 1 or variance <= 0:
        return None
    low, high = interval_around(math.atanh(value), variance / (1 - value**2) ** 2)
    return math.tanh(low), math.tanh(high)


def _none(metric: str, profile: BinaryOutcomes, reason: str) -> MetricValue:
    return MetricValue(metric=metric, value=None, rows=profile.classified, reason=reason)
