"""Realised performance from an outcome profile.

Every metric equals that of scikit-learn on the same rows. A metric that does not exist, such as the precision
without a predicted positive, is None with the reason; never 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.intervals import (
    Interval,
    auc_interval,
    delong_variance,
    f1_interval,
    mean_interval_of_sums,
)
from airflow_mlmon.tasks.binary.curves import measure_curves
from airflow_mlmon.tasks.binary.matrix import balanced_accuracy, business_value, matthews
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.table import POSITIVE_RATE
from airflow_mlmon.tasks.cells import EPSILON, area_under_curve, calibration_error, to_scores
from airflow_mlmon.tasks.coverage import measure_under_coverage
from airflow_mlmon.tasks.coverage import share_of as _share
from airflow_mlmon.tasks.coverage import value_of as _value
from airflow_mlmon.tasks.sums import UNIT

_NO_SCORE = "no row has both a label and a score"


def measure_outcomes(profile: BinaryOutcomes, min_coverage: float, worth: Worth | None = None) -> list[MetricValue]:
    """Measure every metric that needs labels, in the order of their table; the business value only with a worth."""
    positive_rate, *performance = (*_headline(profile), *_others(profile, worth))
    return measure_under_coverage(profile, min_coverage, of_labels=[positive_rate], performance=performance)


def roc_auc(profile: BinaryOutcomes) -> tuple[float, float] | None:
    """Compute the area under the ROC curve, and the largest error that the grid can cause: see `area_under_curve`."""
    return area_under_curve(profile.positive_cells, profile.negative_cells)


def _headline(profile: BinaryOutcomes) -> Iterator[MetricValue]:
    hits, false_alarms = profile.true_positive, profile.false_positive
    misses, rejections = profile.false_negative, profile.true_negative
    yield _share(POSITIVE_RATE, profile.positive, profile.labelled, "no labels")
    no_class = _lack_of_class(profile)
    ratios = (
        ("accuracy", hits + rejections, profile.classified, no_class),
        ("precision", hits, hits + false_alarms, no_class or "no row was predicted positive"),
        ("recall", hits, hits + misses, no_class or "no label is positive"),
    )
    for metric, part, whole, reason in ratios:
        yield _share(metric, part, whole, reason, rows=profile.classified)
    reason = no_class or "no label or prediction is positive"
    f1 = _value("f1", 2 * hits, 2 * hits + false_alarms + misses, reason, rows=profile.classified)
    yield f1.within(f1_interval(hits, false_alarms, misses))
    yield _roc_auc(profile)
    yield from _losses(profile)


def _others(profile: BinaryOutcomes, worth: Worth | None) -> Iterator[MetricValue]:
    hits, false_alarms = profile.true_positive, profile.false_positive
    misses, rejections = profile.false_negative, profile.true_negative
    no_class, rows = _lack_of_class(profile), profile.classified
    yield balanced_accuracy(profile, no_class)
    no_negative, no_positive = no_class or "no label is negative", no_class or "no label is positive"
    yield _share("specificity", rejections, rejections + false_alarms, no_negative, rows=rows)
    yield _share("fpr", false_alarms, rejections + false_alarms, no_negative, rows=rows)
    yield _share("fnr", misses, hits + misses, no_positive, rows=rows)
    yield matthews(profile, no_class)
    if worth is not None:
        yield business_value(profile, worth, no_class)
    yield _gini(_roc_auc(profile))
    no_score = "" if profile.scored else _NO_SCORE
    yield from measure_curves(profile.positive_cells, profile.negative_cells, no_score)
    yield _ece(profile, no_score)


def _lack_of_class(profile: BinaryOutcomes) -> str:
    return "" if profile.classified else "no row has both a label and a predicted class"


def _gini(area: MetricValue) -> MetricValue:
    if area.value is None:
        return replace(area, metric="gini")
    ends = {name: 2 * end - 1 for name in ("low", "high") if (end := getattr(area, name)) is not None}
    bound = 2 * (area.error_bound or 0.0)
    return replace(area, metric="gini", value=2 * area.value - 1, error_bound=bound, **ends)


def _ece(profile: BinaryOutcomes, no_score: str) -> MetricValue:
    if lack := _outside(profile) or no_score:
        return MetricValue(metric="ece", value=None, rows=0, reason=lack)
    error = calibration_error(profile.positive_cells, profile.negative_cells)
    return MetricValue(metric="ece", value=error, rows=profile.scored)


def _outside(profile: BinaryOutcomes) -> str:
    """Return why scores have no loss: a mean over the rest would look better than they are."""
    return f"{profile.improbable} scores are outside 0 to 1" if profile.improbable else ""


def _roc_auc(profile: BinaryOutcomes) -> MetricValue:
    area = roc_auc(profile)
    if area is None:
        reason = "all labels are of one class" if profile.scored else _NO_SCORE
        return MetricValue(metric="roc_auc", value=None, rows=profile.scored, reason=reason)
    value, bound = area
    keys = np.union1d(profile.positive_cells.keys, profile.negative_cells.keys)
    variance = delong_variance(profile.positive_cells.spread(keys), profile.negative_cells.spread(keys))
    measured = MetricValue(metric="roc_auc", value=value, rows=profile.scored, error_bound=bound)
    return measured.within(auc_interval(value, variance or 0.0))


def _losses(profile: BinaryOutcomes) -> Iterator[MetricValue]:
    outside = _outside(profile)
    rows, reason = 0 if outside else profile.scored, outside or _NO_SCORE
    scores, counts = _of_labels(profile)
    for metric, total, losses in (
        ("log_loss", profile.log_loss, -np.log(np.clip(scores, EPSILON, None))),
        ("brier", profile.brier, (1 - scores) ** 2),
    ):
        measured = _value(metric, total * UNIT, rows, reason)
        yield measured.within(_loss_interval(measured.value, losses, counts))


def _of_labels(profile: BinaryOutcomes) -> tuple[Floats, Counts]:
    """Return the scores of the class that is each row's label, by their cells, with how many rows share each."""
    positive, negative = profile.positive_cells, profile.negative_cells
    scores = np.concatenate((to_scores(positive.keys), 1 - to_scores(negative.keys)))
    return scores, np.concatenate((positive.counts, negative.counts))


def _loss_interval(mean: float | None, losses: Floats, counts: Counts) -> Interval | None:
    """Compute the interval of a mean loss, which varies as the losses of the cells do."""
    sums = (float(np.sum(counts * losses)), float(np.sum(counts * losses**2)))
    interval = mean_interval_of_sums(int(counts.sum()), *sums)
    if mean is None or interval is None:
        return None
    width = (interval[1] - interval[0]) / 2
    return max(mean - width, 0.0), mean + width
