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

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.calibration import Calibration, Ordered
from airflow_mlmon.statistics.intervals import interval_around
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.scores import ScoreCells

# a calibration by fewer labels of a class says little
FEWEST_OF_CLASS = 20
_ROC_AUC = "estimated_roc_auc"
# of true and false positives, false and true negatives: the sum that each metric is, and what it is divided by
_RATIOS = {
    "estimated_accuracy": ((1, 0, 0, 1), (1, 1, 1, 1), "no row has a predicted class"),
    "estimated_precision": ((1, 0, 0, 0), (1, 1, 0, 0), "no row was predicted positive"),
    "estimated_recall": ((1, 0, 0, 0), (1, 0, 1, 0), "fewer than one positive label is expected"),
    "estimated_f1": ((2, 0, 0, 0), (2, 1, 1, 0), "fewer than one positive label or prediction is expected"),
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
    expected = _Expected.of(outcomes.scores, fit_shares(reference))
    return [*_ratios(expected), _roc_auc(expected)]


def fit_shares(reference: BinaryOutcomes) -> Calibration:
    """Fit the share of positives to the score's cells of labelled rows."""
    positive, negative = reference.positive_cells, reference.negative_cells
    keys = np.union1d(positive.keys, negative.keys)
    hits = positive.spread(keys)
    return Calibration.fit(keys, hits, hits + negative.spread(keys))


def _lack(outcomes: BinaryOutcomes, reference: BinaryOutcomes | None) -> str:
    """Return why nothing can be estimated; empty if it can."""
    if reference is None or not reference.scored:
        return "the reference has no labels of rows with a score"
    fewest = min(reference.positive_cells.rows, reference.negative_cells.rows)
    if fewest < FEWEST_OF_CLASS:
        return f"the reference has {fewest} labels of a class, fewer than {FEWEST_OF_CLASS}"
    if outcomes.scores is None:
        return "the day was profiled before estimates were made: profile it again"
    return "" if outcomes.scores.rows else "no row has a score"


@dataclass(frozen=True, slots=False, kw_only=True)
class _Expected:
    """Rows by cell of the score, with the share of each cell that is expected to be positive."""

    calibration: Calibration
    keys: Ordered
    positive: Counts
    negative: Counts
    rows: Counts
    shares: Floats

    @classmethod
    def of(cls, scores: ScoreCells, calibration: Calibration) -> Self:
        keys = np.union1d(np.union1d(scores.positive.keys, scores.negative.keys), scores.unclassified.keys)
        positive, negative = scores.positive.spread(keys), scores.negative.spread(keys)
        return cls(
            calibration=calibration,
            keys=keys,
            positive=positive,
            negative=negative,
            rows=positive + negative + scores.unclassified.spread(keys),
            shares=calibration.at(keys),
        )

    @cached_property
    def matrix(self) -> tuple[float, ...]:
        """Return the expected true and false positives, false and true negatives."""
        true_positive, false_negative = float(self.positive @ self.shares), float(self.negative @ self.shares)
        return (
            true_positive,
            float(self.positive.sum()) - true_positive,
            false_negative,
            float(self.negative.sum()) - false_negative,
        )

    def value(self, metric: str, estimate: float, rows: int, *weights: tuple[Counts, Floats | float]) -> MetricValue:
        """Return an estimate with its interval.

        Args:
            metric: its name.
            estimate: its value.
            rows: the rows that it rests on.
            weights: rows by cell, and what the estimate gains where one of them is positive instead of negative.
        """
        drawn = sum(float((rows_of * np.square(gain)) @ (self.shares * (1 - self.shares))) for rows_of, gain in weights)
        total: Floats = np.sum([rows_of * gain for rows_of, gain in weights], axis=0)
        fitted = self.calibration.variance(self.keys, total)
        low, high = interval_around(estimate, drawn + fitted)
        return MetricValue(metric=metric, value=estimate, rows=rows, low=max(low, 0.0), high=min(high, 1.0))


def _ratios(expected: _Expected) -> Iterator[MetricValue]:
    classified = int(expected.positive.sum() + expected.negative.sum())
    for metric, (part, whole, lack) in _RATIOS.items():
        divisor = sum(np.multiply(whole, expected.matrix))
        if divisor < 1:
            reason = lack if classified else "no row has a score and a predicted class"
            yield MetricValue(metric=metric, value=None, rows=classified, reason=reason)
            continue
        estimate = sum(np.multiply(part, expected.matrix)) / divisor
        of_true_positive, of_false_positive, of_false_negative, of_true_negative = (
            (here - estimate * there) / divisor for here, there in zip(part, whole, strict=True)
        )
        yield expected.value(
            metric,
            float(estimate),
            classified,
            (expected.positive, float(of_true_positive - of_false_positive)),
            (expected.negative, float(of_false_negative - of_true_negative)),
        )


def _roc_auc(expected: _Expected) -> MetricValue:
    """Estimate the share of pairs of a positive and a negative row that are in the right order, ties counted half."""
    rows = int(expected.rows.sum())
    positive = expected.rows * expected.shares
    negative = expected.rows - positive
    cases, controls = float(positive.sum()), float(negative.sum())
    if min(cases, controls) < 1:
        reason = "fewer than one label of a class is expected"
        return MetricValue(metric=_ROC_AUC, value=None, rows=rows, reason=reason)
    below = np.cumsum(negative) - negative / 2
    above = cases - np.cumsum(positive) + positive / 2
    area = float(positive @ below) / (cases * controls)
    gain = (below / controls - area) / cases - (above / cases - area) / controls
    return expected.value(_ROC_AUC, area, rows, (expected.rows, gain))
