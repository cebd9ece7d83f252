"""Confidence-based estimation of performance without labels (CBPE) of a classifier of several classes.

Each class is calibrated against the rest: the labels of the reference give the share of a cell of its probability that
is labelled so. NannyML divides the calibrated probabilities of a row by their sum; cells know no rows, so here they are
taken as they are. The assumptions are those of two classes: see `binary.estimate`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.intervals import share_around
from airflow_mlmon.tasks.expected_labels import FEWEST_OF_CLASS, ExpectedLabels, fit_shares
from airflow_mlmon.tasks.multiclass.metrics import classes_of
from airflow_mlmon.tasks.multiclass.outcome import MAX_CURVES, cells_key, predicted_key
from airflow_mlmon.tasks.sums import OutcomeSums

ESTIMATES = ("estimated_accuracy", "estimated_f1_macro", "estimated_roc_auc")
_F1 = (2, 0, 0, 0), (2, 1, 1, 0)


def estimate_classifications(outcomes: OutcomeSums, reference: OutcomeSums | None) -> list[MetricValue]:
    """Estimate performance from the probabilities of all rows and the labels of the reference.

    Args:
        outcomes: the rows, labelled or not.
        reference: the labelled rows of the reference; None if it has no labels.
    """
    lack = _lack(outcomes, reference)
    if lack or reference is None:
        return [MetricValue(metric=metric, value=None, rows=0, reason=lack) for metric in ESTIMATES]
    classes = list(_by_class(outcomes, reference))
    return [_accuracy(classes), _f1(classes), _roc_auc(classes)]


def _by_class(outcomes: OutcomeSums, reference: OutcomeSums) -> Iterator[ExpectedLabels]:
    """Expect labels of each class against the rest; a class without a label in the reference is never expected."""
    for place in range(len(classes_of(reference))):
        own, rest = (reference.tally(cells_key(place, is_label=is_label)) for is_label in (True, False))
        predicted, others = (outcomes.tally(predicted_key(place, is_predicted=side)) for side in (True, False))
        yield ExpectedLabels.of(fit_shares(own, rest), predicted, others)


def _accuracy(classes: list[ExpectedLabels]) -> MetricValue:
    rows = classes[0].classified
    hits = sum(expected.matrix[0] for expected in classes)
    # each row is predicted as one class
    variance = sum(expected.variance((expected.positive, 1 / rows)) for expected in classes)
    return MetricValue(metric=ESTIMATES[0], value=hits / rows, rows=rows).within(share_around(hits / rows, variance))


def _f1(classes: list[ExpectedLabels]) -> MetricValue:
    rows = classes[0].classified
    found = [one for expected in classes if (one := expected.ratio(_F1)) is not None]
    if not found:
        reason = "fewer than one label or prediction of each class is expected"
        return MetricValue(metric=ESTIMATES[1], value=None, rows=rows, reason=reason)
    value = float(np.mean([estimate for estimate, _ in found]))
    variance = sum(one for _, one in found) / len(found) ** 2
    return MetricValue(metric=ESTIMATES[1], value=value, rows=rows).within(share_around(value, variance))


def _roc_auc(classes: list[ExpectedLabels]) -> MetricValue:
    """Average the areas of the classes; their errors are taken as wholly dependent, as those of realised areas are."""
    rows = classes[0].classified
    found = [one for expected in classes if (one := expected.area()) is not None]
    if not found:
        reason = "all labels are expected to be of one class"
        return MetricValue(metric=ESTIMATES[2], value=None, rows=rows, reason=reason)
    value = float(np.mean([area for area, _ in found]))
    deviation = float(np.mean([np.sqrt(variance) for _, variance in found]))
    return MetricValue(metric=ESTIMATES[2], value=value, rows=rows).within(share_around(value, deviation**2))


def _lack(outcomes: OutcomeSums, reference: OutcomeSums | None) -> str:
    """Return why nothing can be estimated; empty if it can."""
    if reference is None or not reference.sum("probable"):
        return "the reference has no labels of rows with probabilities"
    many = len(classes_of(reference))
    if many > MAX_CURVES:
        return f"{many} classes: cells are kept of at most {MAX_CURVES}"
    labelled = reference.sum("probable")
    if labelled < FEWEST_OF_CLASS * many:
        return f"the reference has {labelled} labels of {many} classes, fewer than {FEWEST_OF_CLASS} of each on average"
    if outcomes.rows and not outcomes.sum("scored"):
        return "no row has probabilities that add up to 1, or the day was profiled before estimates were made"
    return "" if outcomes.rows else "no row has probabilities"
