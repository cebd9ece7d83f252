"""Isotonic calibration: the share of positives as a non-decreasing function of an ordered key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Counts, Floats

Ordered = npt.NDArray[np.integer]


class _Block(NamedTuple):
    """Neighbouring values that are pooled to one."""

    start: int
    value: float
    weight: float


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
        blocks = _pool((hits / rows).tolist(), rows.astype(np.float64).tolist())
        starts = np.array([block.start for block in blocks], dtype=np.intp)
        lengths = np.diff(starts, append=len(keys))
        shares = np.repeat([block.value for block in blocks], lengths)
        return cls(keys=keys, shares=shares, starts=starts, rows=np.add.reduceat(rows, starts))

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


def _pool(values: Sequence[float], weights: Sequence[float]) -> list[_Block]:
    """Pool neighbouring values that do not ascend.

    In the order of Busing, "Monotone regression: a simple and fast O(n) PAVA implementation" (2022), with the sums and
    so the bits of `scipy.optimize.isotonic_regression`, whose import costs more than a day's evaluation.
    """
    blocks: list[_Block] = []
    at, last = 0, len(values) - 1
    while at <= last:
        start, value, weight = at, values[at], weights[at]
        if blocks and blocks[-1].value >= value:
            before = blocks.pop()
            total = before.weight * before.value + weight * value
            start, weight = before.start, weight + before.weight
            value = total / weight
            while at < last and value >= values[at + 1]:
                at += 1
                total += weights[at] * values[at]
                weight += weights[at]
                value = total / weight
            while blocks and blocks[-1].value >= value:
                before = blocks.pop()
                total += before.weight * before.value
                start, weight = before.start, weight + before.weight
                value = total / weight
        blocks.append(_Block(start, value, weight))
        at += 1
    return blocks
