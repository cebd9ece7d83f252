"""Cells of scores and probabilities: a grid that is as fine at 1 as it is at 0.

A score below ½ has the cell of its value, one from ½ on the mirrored cell of 1 - p, which is exact there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.columns.grid import LAST_CELL, to_cells, to_midpoints
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Flags, Floats
from airflow_mlmon.tasks.classification import HALF

# The clipping of scikit-learn's log_loss for doubles.
EPSILON = float(np.finfo(np.float64).eps)
_MIRROR = 2 * int(to_cells(np.array([HALF]))[0])
# all cells, from that of the lowest score to that of the highest; with fewer rows, sorting is faster
_PLACES = 2 * LAST_CELL + _MIRROR + 1
_FEW = 1 << 15
_VALUES = (-1, 0, 1)
# cells of probabilities, from that of 0 to that of 1
N_CELLS = _MIRROR + 1
# so many scores stay in the cache of a processor
_BLOCK = 1 << 14
# of equal width, in which scores are compared with labels; their ends lie on the grid
BINS = 16


class CellsBy(NamedTuple):
    """Cells of the scores of the rows in which a flag is null (-1), false (0) and true (1)."""

    null: Tally
    false: Tally
    true: Tally


def count_score_cells(cells: npt.NDArray[np.int32], *flags: npt.NDArray[np.signedinteger]) -> Iterator[CellsBy]:
    """Count cells of scores by each of some flags.

    >>> [[tally.rows for tally in found] for found in count_score_cells(np.zeros(3, np.int32), np.array([1, -1, 1]))]
    [[1, 0, 2]]
    """
    if len(cells) < _FEW:
        for flag in flags:
            yield CellsBy(*(Tally.of(cells[flag == value]) for value in _VALUES))
        return
    places = cells + LAST_CELL
    for number, flag in enumerate(flags):
        places += (flag.astype(np.int32) + 1) * (len(_VALUES) ** number * _PLACES)
    counts = np.bincount(places, minlength=len(_VALUES) ** len(flags) * _PLACES)
    for number in range(len(flags)):
        # the first flag varies fastest
        divided = counts.reshape(-1, len(_VALUES), len(_VALUES) ** number, _PLACES)
        yield CellsBy(*map(_to_tally, divided.sum(axis=(0, 2))))


def _to_tally(counts: npt.NDArray[np.integer]) -> Tally:
    held = np.flatnonzero(counts)
    return Tally(keys=(held - LAST_CELL).astype(np.int32), counts=counts[held].astype(np.int64))


def to_score_cells(scores: Floats) -> npt.NDArray[np.int32]:
    """Map each finite score to its cell.

    >>> to_score_cells(np.array([0.0, 0.25, 0.5, 0.75, 1.0])).tolist()
    [0, 16000, 16128, 16256, 32256]
    """
    cells = np.empty(len(scores), dtype=np.int32)
    for start in range(0, len(scores), _BLOCK):
        block = scores[start : start + _BLOCK]
        upper = block >= HALF
        cells[start : start + _BLOCK] = from_half(to_cells(np.where(upper, 1.0 - block, block) + 0.0), upper)
    return cells


def to_scores(cells: npt.NDArray[np.int32]) -> Floats:
    """Map each cell to the score in its middle.

    >>> to_scores(to_score_cells(np.array([0.0, 0.25, 0.75, 1.0]))).round(2).tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    upper = cells > _MIRROR // 2
    halves = to_midpoints(np.where(upper, _MIRROR - cells, cells))
    return np.where(upper, 1.0 - halves, halves)


def from_half(cells: npt.NDArray[np.int32], upper: Flags) -> npt.NDArray[np.int32]:
    """Combine the cells of the scores below ½ with those of 1 - p of the `upper` ones."""
    return np.where(upper, _MIRROR - cells, cells).astype(np.int32)


def area_under_curve(positive: Tally, negative: Tally) -> tuple[float, float] | None:
    """Compute the area under the ROC curve of cells, and the largest error that the grid can cause.

        AUC = (pairs in the right order + half of the pairs that share a cell) / all pairs

    over all pairs of a positive and a negative label. Within a cell the true order is not known,
    so the error is at most half of the share of pairs that share a cell; where equal cells mean
    equal scores, such as for scores of two decimals, it is none.
    """
    pairs = positive.rows * negative.rows
    if not pairs:
        return None
    keys = np.union1d(positive.keys, negative.keys)
    ours, theirs = positive.spread(keys), negative.spread(keys)
    below = np.cumsum(theirs) - theirs
    shared = int(np.sum(ours * theirs))
    ordered = int(np.sum(ours * below))
    return (2 * ordered + shared) / (2 * pairs), shared / (2 * pairs)


def calibration_error(positive: Tally, negative: Tally) -> float:
    """Compute the expected calibration error in 16 bins of equal width (Naeini and others, AAAI 2015)."""
    keys = np.union1d(positive.keys, negative.keys)
    hits, rows = positive.spread(keys), positive.spread(keys) + negative.spread(keys)
    scores = to_scores(keys)
    gaps = np.bincount(to_bins(scores, BINS), weights=rows * scores - hits, minlength=BINS)
    return float(np.abs(gaps).sum() / rows.sum())


def to_bins(scores: Floats, bins: int) -> npt.NDArray[np.int64]:
    """Map each score between 0 and 1 to its bin of equal width; the last one holds 1.

    >>> to_bins(np.array([0.0, 0.1, 0.99, 1.0]), 10).tolist()
    [0, 1, 9, 9]
    """
    return np.minimum((scores * bins).astype(np.int64), bins - 1)
