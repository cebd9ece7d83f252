"""Isotonic calibration: the share of positives as a non-decreasing function of an ordered key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Counts, Floats

Ordered = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Isotonic regression of labels on keys.

    Attributes:
        keys: The keys that it is fitted on, ascending.
        shares: The fitted share of positives at each.
        starts: The place of the first key of each block, that is of the keys that share one fitted value.
        rows: The labels of each block.
    """

    keys: Ordered
    shares: Floats
    starts: npt.NDArray[np.intp]
    rows: Counts

    @classmethod
    def fit(cls, keys: Ordered, hits: Counts, rows: Counts) -> Self:
        """Fit by pooling adjacent violators (Barlow and others 1972), weighted by the rows.

        Args:
            keys: ascending keys, one at least.
            hits: positive labels of each.
            rows: labels of each, one at least.

        >>> found = Calibration.fit(np.array([1, 2, 3]), np.array([1, 0, 3]), np.array([4, 4, 4]))
        >>> found.shares.tolist(), found.rows.tolist()
        ([0.125, 0.125, 0.75], [8, 4])
        """
        from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow to import

        found = isotonic_regression(hits / rows, weights=rows)
        starts = found.blocks[:-1].astype(np.intp)
        return cls(keys=keys, shares=found.x, starts=starts, rows=np.add.reduceat(rows, starts))

    def at(self, keys: Ordered) -> Floats:
        """Return the share of positives at other keys, linear between those fitted, and constant beyond them."""
        shares: Floats = np.interp(keys, self.keys, self.shares)
        return shares

    def variance(self, keys: Ordered, weights: Floats) -> float:
        """Compute the variance, by the labels of the fit, of a weighted sum of the shares at some keys.

        The share of each block has the variance of a binomial one, and blocks are independent.
        """
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        blocks = np.searchsorted(self.starts, places, side="right") - 1
        total = np.bincount(blocks, weights=weights, minlength=len(self.starts))
        shares = self.shares[self.starts]
        # a block of one class only may have the other one, too: add half a label of each
        shares = (shares * self.rows + 0.5) / (self.rows + 1)
        return float((total**2 * shares * (1 - shares) / self.rows).sum())
