"""Labels expected of rows by the cells of their score: what confidence-based estimates (CBPE) are made of.

A row counts as positive by the calibrated share p of its cell, and as negative by 1 - p, in its cell of the confusion
matrix and in the ROC curve. The variance of an estimate has the error of the labels that such rows would draw, and of
the calibration by as many labels as it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Counts, Floats
from airflow_mlmon.statistics.calibration import Calibration, Ordered

# a calibration by fewer labels of a class says little
FEWEST_OF_CLASS = 20
# of true and false positives, false and true negatives: the sum that a ratio is, and what it is divided by
Ratio = tuple[Sequence[int], Sequence[int]]


def fit_shares(positive: Tally, negative: Tally) -> Calibration:
    """Fit the share of positives to the score's cells of labelled rows."""
    keys = np.union1d(positive.keys, negative.keys)
    hits = positive.spread(keys)
    return Calibration.fit(keys, hits, hits + negative.spread(keys))


# no slots: what follows is kept in the dictionary
@dataclass(frozen=True, slots=False, kw_only=True)
class ExpectedLabels:
    """Rows by cell of the score, with the share of each cell that is expected to be positive.

    Attributes:
        calibration: The shares, by cell.
        keys: The cells.
        positive: Rows of each that are predicted positive.
        negative: Rows of each that are predicted negative.
        rows: Rows of each, with those that have no predicted class.
        shares: The share of each that is expected to be positive.
    """

    calibration: Calibration
    keys: Ordered
    positive: Counts
    negative: Counts
    rows: Counts
    shares: Floats

    @classmethod
    def of(cls, calibration: Calibration, positive: Tally, negative: Tally, unclassified: Tally | None = None) -> Self:
        """Expect labels of rows by the cells of their scores, and by predicted class."""
        others = Tally.empty(np.int32) if unclassified is None else unclassified
        keys = np.union1d(np.union1d(positive.keys, negative.keys), others.keys)
        of_positive, of_negative = positive.spread(keys), negative.spread(keys)
        return cls(
            calibration=calibration,
            keys=keys,
            positive=of_positive,
            negative=of_negative,
            rows=of_positive + of_negative + others.spread(keys),
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

    @property
    def classified(self) -> int:
        """Return the rows with a predicted class."""
        return int(self.positive.sum() + self.negative.sum())

    def ratio(self, ratio: Ratio) -> tuple[float, float] | None:
        """Estimate a ratio of the matrix, with its variance; None if fewer than one row is what it is divided by."""
        part, whole = ratio
        divisor = float(np.multiply(whole, self.matrix).sum())
        if divisor < 1:
            return None
        estimate = float(np.multiply(part, self.matrix).sum()) / divisor
        gains = [(here - estimate * there) / divisor for here, there in zip(part, whole, strict=True)]
        weights = ((self.positive, gains[0] - gains[1]), (self.negative, gains[2] - gains[3]))
        return estimate, self.variance(*weights)

    def area(self) -> tuple[float, float] | None:
        """Estimate the area under the ROC curve, with its variance; None without one expected label of each class.

        It is the share of pairs of a positive and a negative row that are in the right order, ties counted half.
        """
        positive = self.rows * self.shares
        negative = self.rows - positive
        cases, controls = float(positive.sum()), float(negative.sum())
        if min(cases, controls) < 1:
            return None
        below = np.cumsum(negative) - negative / 2
        above = cases - np.cumsum(positive) + positive / 2
        area = float(positive @ below) / (cases * controls)
        gain = (below / controls - area) / cases - (above / cases - area) / controls
        return area, self.variance((self.rows, gain))

    def variance(self, *weights: tuple[Counts, Floats | float]) -> float:
        """Compute the variance of an estimate.

        Args:
            weights: rows by cell, and what the estimate gains where one of them is positive instead of negative.
        """
        drawn = sum(float((rows * np.square(gain)) @ (self.shares * (1 - self.shares))) for rows, gain in weights)
        total: Floats = np.sum([rows * gain for rows, gain in weights], axis=0)
        return drawn + self.calibration.variance(self.keys, total)
