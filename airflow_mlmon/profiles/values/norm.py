"""Euclidean norms of vectors, row by row, to 17 significant bits.

A norm depends on its own row alone: squares are added pairwise in a fixed order, so that neither the number of
rows nor the machine changes a bit. It is rounded, because its last bits come from the arithmetic of the
embedding: vectors normalised to 1 all have the norm 1, not 1.00000004.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Floats

_BLOCK = 1 << 17
_LARGEST = 2.0**1023
# Between these, neither a square nor the sum of 65,536 of them leaves the doubles' normal range.
_SMALLEST_SQUARE, _LARGEST_SQUARE = 2.0**-900, 2.0**1000
_LOST_BITS = 36
_HALF = np.int64(1 << (_LOST_BITS - 1))
_KEPT = ~np.int64((1 << _LOST_BITS) - 1)


def to_norms(vectors: Floats) -> Floats:
    """Compute the norm of each row; NaN if an element is NaN, infinite if one is infinite.

    Norms are capped at 2**1023.

    >>> to_norms(np.array([[3.0, 4.0], [np.nan, np.inf], [0.0, -np.inf], [3e200, 4e200]])).tolist()[:3]
    [5.0, nan, inf]
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares = _sum_rows(vectors * vectors)
        norms = np.sqrt(squares)
        # False for NaN too
        odd = np.flatnonzero(~((squares > _SMALLEST_SQUARE) & (squares < _LARGEST_SQUARE)))
        if len(odd):
            norms[odd] = _scaled_norms(vectors[odd])
    return _rounded(norms)


def iterate_blocks(vectors: npt.NDArray[np.number]) -> Iterator[Floats]:
    """Yield the vectors, one per row, as doubles in blocks that fit the cache."""
    step = max(_BLOCK // vectors.shape[1], 1)
    for start in range(0, len(vectors), step):
        yield vectors[start : start + step].astype(np.float64)


def compute_row_norms(vectors: npt.NDArray[np.number]) -> Floats:
    """Compute the norm of each row, as `to_norms` does, for any numeric type."""
    norms: Floats = np.concatenate([np.zeros(0), *map(to_norms, iterate_blocks(vectors))])
    return norms


def _scaled_norms(vectors: Floats) -> Floats:
    """Compute the norms of rows whose squares may overflow, in units of their largest element."""
    peaks = np.abs(vectors).max(axis=1)
    plain = np.isfinite(peaks) & (peaks > 0)
    norms: Floats = peaks.copy()
    shares = vectors[plain] / peaks[plain, np.newaxis]
    norms[plain] = np.minimum(peaks[plain] * np.sqrt(_sum_rows(shares * shares)), _LARGEST)
    return norms


def _sum_rows(squares: Floats) -> Floats:
    """Sum each row, adding the second half of the columns to the first until one is left."""
    width = squares.shape[1]
    while width > 1:
        half = width // 2
        squares[:, :half] += squares[:, half : 2 * half]
        if width % 2:
            squares[:, 0] += squares[:, width - 1]
        width = half
    sums: Floats = squares[:, 0].copy()
    return sums


def _rounded(norms: Floats) -> Floats:
    # a carry goes up into the exponent, as it should; NaN and infinity are unchanged
    bits = norms.view(np.int64)
    rounded: Floats = ((bits + _HALF) & _KEPT).view(np.float64)
    return rounded
