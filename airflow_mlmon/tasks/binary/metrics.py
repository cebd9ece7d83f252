"""Realised performance from an outcome profile.

Every metric equals that of scikit-learn on the same rows. A metric that does not exist, such as the precision
without a predicted positive, is None with the reason; never 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.intervals import (
    Interval,
    auc_interval,
    delong_variance,
    f1_interval,
    mean_interval_of_sums,
    wilson_interval,
)
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.table import POSITIVE_RATE
from airflow_mlmon.tasks.cells import EPSILON, area_under_curve, to_scores
from airflow_mlmon.tasks.sums import UNIT

_NO_SCORE = "no row has both a label and a score"


def measure_outcomes(profile: BinaryOutcomes, min_coverage: float) -> list[MetricValue]:
    """Measure every metric that needs labels, in the order of their table.

    While label coverage is below `min_coverage`, only the coverage has a value: the first labels are not
    representative. The excluded rate is a share of the rows whose outcome is known, and waits until enough
    are.
    """
    due = profile.rows - profile.excluded
    known = profile.labelled + profile.excluded
    share = profile.labelled / due if due else None
    label_coverage = _value(LABEL_COVERAGE, profile.labelled, due, "no row is to get a label")
    excluded_share = _share("excluded_share", profile.excluded, known, "no outcome is known")
    if known < min_coverage * profile.rows:
        reason = f"the outcome of {known} of {profile.rows} rows is known, fewer than {min_coverage:.0%}"
        excluded_share = MetricValue(metric="excluded_share", value=None, rows=known, reason=reason)
    evaluated = list(_evaluated(profile))
    if share is None or share < min_coverage:
        reason = _shortage(profile.labelled, due, min_coverage)
        evaluated = [
            MetricValue(metric=value.metric, value=None, rows=profile.labelled, reason=reason) for value in evaluated
        ]
    positive_rate, *rest = evaluated
    return [label_coverage, positive_rate, excluded_share, *rest]


def roc_auc(profile: BinaryOutcomes) -> tuple[float, float] | None:
    """Compute the area under the ROC curve, and the largest error that the grid can cause: see `area_under_curve`."""
    return area_under_curve(profile.positive_cells, profile.negative_cells)


def _evaluated(profile: BinaryOutcomes) -> Iterator[MetricValue]:
    hits, false_alarms = profile.true_positive, profile.false_positive
    misses, rejections = profile.false_negative, profile.true_negative
    yield _share(POSITIVE_RATE, profile.positive, profile.labelled, "no labels")
    no_class = "" if profile.classified else "no row has both a label and a predicted class"
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
    # a mean over the rest would look better than the scores are
    outside = profile.improbable
    rows = 0 if outside else profile.scored
    reason = f"{outside} scores are outside 0 to 1" if outside else _NO_SCORE
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


def _share(metric: str, part: int, whole: int, reason: str, *, rows: int | None = None) -> MetricValue:
    """Divide the number of some rows by that of all, with its interval."""
    return _value(metric, part, whole, reason, rows=rows).within(wilson_interval(part, whole))


def _value(metric: str, part: float, whole: int, reason: str, *, rows: int | None = None) -> MetricValue:
    """Divide a part by a whole; None with the reason if the whole is zero."""
    return MetricValue(
        metric=metric,
        value=part / whole if whole else None,
        rows=whole if rows is None else rows,
        reason="" if whole else reason,
    )


def _shortage(labelled: int, due: int, min_coverage: float) -> str:
    if not due:
        return "no row is to get a label"
    return f"{labelled} of {due} labels received, fewer than {min_coverage:.0%}"
