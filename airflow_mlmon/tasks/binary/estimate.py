"""Confidence-based estimation of performance without labels (CBPE), as NannyML defines it.

The labels of the reference say how often a score's cell is positive: an isotonic regression, which NannyML fits to the
rows and which is the same on cells. Each row without a label then counts as positive by that share p, and as negative
by 1 - p, in its cell of the confusion matrix and in the ROC curve.

This assumes that the calibration still holds, that is no concept drift: the distribution of the scores may change, the
share of positives at a score may not; and no score outside those of the reference can be told anything of. The interval
(95 %) has the error of the labels that rows with these scores would draw, and of the calibration by as many labels as
the reference has; none of a broken assumption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.intervals import share_around
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.expected_labels import FEWEST_OF_CLASS, ExpectedLabels, Ratio, fit_shares

_ROC_AUC = "estimated_roc_auc"
# each with why it may not exist
_RATIOS: Mapping[str, tuple[Ratio, str]] = {
    "estimated_accuracy": (((1, 0, 0, 1), (1, 1, 1, 1)), "no row has a predicted class"),
    "estimated_precision": (((1, 0, 0, 0), (1, 1, 0, 0)), "no row was predicted positive"),
    "estimated_recall": (((1, 0, 0, 0), (1, 0, 1, 0)), "fewer than one positive label is expected"),
    "estimated_f1": (((2, 0, 0, 0), (2, 1, 1, 0)), "fewer than one positive label or prediction is expected"),
}
ESTIMATES = (*_RATIOS, _ROC_AUC)


def estimate_performance(outcomes: BinaryOutcomes, reference: BinaryOutcomes | None) -> list[MetricValue]:
    """Estimate performance from the scores of all rows and the labels of the reference.

    Args:
        outcomes: the rows, labelled or not.
        reference: the labelled rows of the reference; None if it has no labels.
    """
    lack = _lack(outcomes, reference)
    if lack or reference is None or outcomes.scores is None:
        return [MetricValue(metric=metric, value=None, rows=0, reason=lack) for metric in ESTIMATES]
    scores = outcomes.scores
    calibration = fit_shares(reference.positive_cells, reference.negative_cells)
    expected = ExpectedLabels.of(calibration, scores.positive, scores.negative, scores.unclassified)
    return [*_ratios(expected), _roc_auc(expected)]


def _lack(outcomes: BinaryOutcomes, reference: BinaryOutcomes | None) -> str:
    """Return why nothing can be estimated; empty if it can."""
    if reference is None or not reference.scored:
        return "the reference has no labels of rows with a score"
    fewest = min(reference.positive_cells.rows, reference.negative_cells.rows)
    if fewest < FEWEST_OF_CLASS:
        return f"the reference has {fewest} labels of a class, fewer than {FEWEST_OF_CLASS}"
    if outcomes.scores is None:
        return "the day was profiled before estimates were made: run it again"
    return "" if outcomes.scores.rows else "no row has a score"


def _ratios(expected: ExpectedLabels) -> Iterator[MetricValue]:
    rows = expected.classified
    for metric, (ratio, lack) in _RATIOS.items():
        found = expected.ratio(ratio)
        if found is None:
            reason = lack if rows else "no row has a score and a predicted class"
            yield MetricValue(metric=metric, value=None, rows=rows, reason=reason)
        else:
            yield MetricValue(metric=metric, value=found[0], rows=rows).within(share_around(*found))


def _roc_auc(expected: ExpectedLabels) -> MetricValue:
    rows, found = int(expected.rows.sum()), expected.area()
    if found is None:
        reason = "fewer than one label of a class is expected"
        return MetricValue(metric=_ROC_AUC, value=None, rows=rows, reason=reason)
    return MetricValue(metric=_ROC_AUC, value=found[0], rows=rows).within(share_around(*found))
