"""Universal grid: 65,279 ordered cells over the doubles, the same for every partition.

A deviation `d = x - centre` is truncated to its sign, 8 exponent bits (clamped to the normal range
of float32) and 7 mantissa bits. A cell is the signed integer of these bits, so cells are ordered as
the values are, cell 0 lies around the centre, and each other cell is 2**-7 of its lower bound wide.
Magnitudes below 2**-126 share cell 0; those from 2**128 on share the outermost cells.

The local engine takes the upper half of float32(d), minus one where rounding carried it up; Druid shifts the
bits of the double right by 45. Both give the same cell.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Counts, Floats

Cells = npt.NDArray[np.int32]

LAST_CELL = (254 << 7) | 127
_SHIFT = 45
# The exponent of a double is biased by 1023, that of float32 by 127.
_REBIAS = (1023 - 127) << 7
_FIRST_NORMAL = 1 << 7
_SIGN = 1 << 18
_CODES = 2 * _SIGN
# places in which a kernel counts cells: the sign, then the cell's magnitude
PLACES = 1 << 16
_MAGNITUDES = PLACES >> 1
# Below this number of codes, sorting is faster than clearing an array of all possible ones.
_FEW = 1 << 15


def to_cells(deviations: Floats) -> Cells:
    """Map each finite deviation to its cell.

    >>> to_cells(np.array([-1.0, -1e-300, 0.0, 1.0, 1.007, 1.008, 1e300])).tolist()
    [-16256, 0, 0, 16256, 16256, 16257, 32639]
    """
    codes = np.empty(len(deviations), dtype=np.int64)
    to_codes(np.ascontiguousarray(deviations, dtype=np.float64), out=codes)
    return _from_codes(codes)


def to_codes(deviations: Floats, *, out: npt.NDArray[np.int64]) -> None:
    """Write the upper bits of each deviation: a code that determines its cell."""
    np.right_shift(deviations.view(np.uint64), np.uint64(_SHIFT), out=out.view(np.uint64))


def count_codes(codes: npt.NDArray[np.int64]) -> Tally:
    """Count the cells of these codes.

    >>> codes = np.empty(3, dtype=np.int64)
    >>> to_codes(np.array([1.0, -0.0, 1.001]), out=codes)
    >>> count_codes(codes).keys.tolist(), count_codes(codes).counts.tolist()
    ([0, 16256], [1, 2])
    """
    if len(codes) < _FEW:
        held = Tally.of(codes)
        return Tally.of_counts(_from_codes(held.keys), held.counts)
    counts = np.bincount(codes, minlength=_CODES)
    # Numpy finds non-zero booleans faster than non-zero integers.
    distinct = np.flatnonzero(counts != 0)
    return Tally.of_counts(_from_codes(distinct), counts[distinct])


def count_places(counts: Counts) -> Tally:
    """Count the cells that a kernel has counted by place.

    >>> counts = np.zeros(PLACES, dtype=np.int64)
    >>> counts[[0, 16256, 32768, 49024]] = [1, 2, 3, 4]
    >>> count_places(counts).keys.tolist(), count_places(counts).counts.tolist()
    ([-16256, 0, 16256], [4, 4, 2])
    """
    held = np.flatnonzero(counts != 0)
    magnitudes = held & (_MAGNITUDES - 1)
    return Tally.of_counts(np.where(held < _MAGNITUDES, magnitudes, -magnitudes).astype(np.int32), counts[held])


def to_midpoints(cells: npt.NDArray[np.integer]) -> Floats:
    """Return the midpoint of each cell, as a deviation from the centre.

    >>> to_midpoints(np.array([-16256, 0, 16256])).tolist()
    [-1.00390625, 0.0, 1.00390625]
    """
    magnitude = np.abs(cells.astype(np.int64))
    middle = (_bound(magnitude) + _bound(magnitude + 1)) / 2
    middle[magnitude == 0] = 0.0
    return np.where(cells < 0, -middle, middle)


def to_bounds(cells: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Return the bounds of each cell, as deviations from the centre.

    >>> [bounds.tolist() for bounds in to_bounds(np.array([-16256, 16256]))]
    [[-1.0078125, 1.0], [-1.0, 1.0078125]]
    """
    magnitude = np.abs(cells.astype(np.int64))
    outer = _bound(np.maximum(magnitude + 1, _FIRST_NORMAL))
    inner = np.where(magnitude == 0, -outer, _bound(magnitude))
    is_below = cells < 0
    return np.where(is_below, -outer, inner), np.where(is_below, -inner, outer)


def _bound(magnitude: npt.NDArray[np.int64]) -> Floats:
    return ((magnitude + _REBIAS) << _SHIFT).view(np.float64)


def _from_codes(codes: npt.NDArray[np.int64]) -> Cells:
    magnitude = (codes & (_SIGN - 1)) - _REBIAS
    np.minimum(magnitude, LAST_CELL, out=magnitude)
    magnitude[magnitude < _FIRST_NORMAL] = 0
    np.negative(magnitude, out=magnitude, where=codes >= _SIGN)
    return magnitude.astype(np.int32)
