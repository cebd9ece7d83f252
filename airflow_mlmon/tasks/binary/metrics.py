"""Realised performance from an outcome profile.

Every metric equals that of scikit-learn on the same rows. A metric that does not exist, such as the precision
without a predicted positive, is None with the reason; never 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.table import POSITIVE_RATE
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
    excluded_share = _value("excluded_share", profile.excluded, known, "no outcome is known")
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
    """Compute the area under the ROC curve, and the largest error that the grid can cause.

        AUC = (pairs in the right order + half of the pairs that share a cell) / all pairs

    over all pairs of a positive and a negative label. Within a cell the true order is not known,
    so the error is at most half of the share of pairs that share a cell; where equal cells mean
    equal scores, such as for scores of two decimals, it is none.
    """
    positive, negative = profile.positive_cells, profile.negative_cells
    pairs = positive.rows * negative.rows
    if not pairs:
        return None
    keys = np.union1d(positive.keys, negative.keys)
    ours, theirs = positive.spread(keys), negative.spread(keys)
    below = np.cumsum(theirs) - theirs
    shared = int(np.sum(ours * theirs))
    ordered = int(np.sum(ours * below))
    return (2 * ordered + shared) / (2 * pairs), shared / (2 * pairs)


def _evaluated(profile: BinaryOutcomes) -> Iterator[MetricValue]:
    hits, false_alarms = profile.true_positive, profile.false_positive
    misses, rejections = profile.false_negative, profile.true_negative
    yield _value(POSITIVE_RATE, profile.positive, profile.labelled, "no labels")
    no_class = "" if profile.classified else "no row has both a label and a predicted class"
    ratios = (
        ("accuracy", hits + rejections, profile.classified, no_class),
        ("precision", hits, hits + false_alarms, no_class or "no row was predicted positive"),
        ("recall", hits, hits + misses, no_class or "no label is positive"),
        ("f1", 2 * hits, 2 * hits + false_alarms + misses, no_class or "no label or prediction is positive"),
    )
    for metric, part, whole, reason in ratios:
        yield _value(metric, part, whole, reason, rows=profile.classified)
    yield _roc_auc(profile)
    yield from _losses(profile)


def _roc_auc(profile: BinaryOutcomes) -> MetricValue:
    area = roc_auc(profile)
    if area is None:
        reason = "all labels are of one class" if profile.scored else _NO_SCORE
        return MetricValue(metric="roc_auc", value=None, rows=profile.scored, reason=reason)
    value, bound = area
    return MetricValue(metric="roc_auc", value=value, rows=profile.scored, error_bound=bound)


def _losses(profile: BinaryOutcomes) -> Iterator[MetricValue]:
    # a mean over the rest would look better than the scores are
    outside = profile.improbable
    rows = 0 if outside else profile.scored
    reason = f"{outside} scores are outside 0 to 1" if outside else _NO_SCORE
    yield _value("log_loss", profile.log_loss * UNIT, rows, reason)
    yield _value("brier", profile.brier * UNIT, rows, reason)


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
