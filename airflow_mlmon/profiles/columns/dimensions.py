"""Exact sums per dimension of vectors, from which means and variances follow.

An element counts as the integer nearest to element / quantum. The quantum is pinned per column, at about 2**-22
of the largest dimension of the reference. A mean is thus within half a quantum of the true one; a dimension that
stays below that counts as 0. A vector with an element of 2**31 quanta or more (several hundred times the
reference's largest) is excluded from the sums and counted as far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.values.norm import iterate_blocks, to_norms
from airflow_mlmon.statistics.arrays import Floats, Integers

_FAR = float(2**31)
_MOST = float(2**62)
_LOW = (1 << 32) - 1
# So large a double has no fraction bits left: adding it rounds to the nearest integer, ties to even.
_SHIFTER = 1.5 * 2.0**52
_SHIFTER_BITS = np.float64(_SHIFTER).view(np.int64)

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionSums:
    """Sums of each dimension; the tuples are empty where there are no rows.

    Attributes:
        rows: Vectors in the sums: finite, and not far.
        totals: Sum of the elements, each rounded to an integer number of quanta.
        squares: Sum of the squares of these integers.
        lows: Smallest element.
        highs: Largest element.
    """

    rows: int = 0
    totals: tuple[int, ...] = ()
    squares: tuple[int, ...] = ()
    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()

    @classmethod
    def sum_of(cls, parts: Iterable[Self]) -> Self:
        """Sum one or more parts."""
        held = [part for part in parts if part.rows]
        if len(held) <= 1:
            return held[0] if held else cls()
        return cls(
            rows=sum(part.rows for part in held),
            totals=_by_dimension(sum, [part.totals for part in held]),
            squares=_by_dimension(sum, [part.squares for part in held]),
            lows=_by_dimension(min, [part.lows for part in held]),
            highs=_by_dimension(max, [part.highs for part in held]),
        )

    def without(self, part: Self) -> Self:
        """Subtract a part; the smallest and the largest element stay those of all vectors."""
        return replace(
            self,
            rows=self.rows - part.rows,
            totals=tuple(a - b for a, b in zip(self.totals, part.totals, strict=True)),
            squares=tuple(a - b for a, b in zip(self.squares, part.squares, strict=True)),
        )

    @property
    def means(self) -> Floats:
        """Compute the mean of each dimension, in units of the quantum."""
        return np.array([total / self.rows for total in self.totals])

    @property
    def variances(self) -> Floats:
        """Compute the population variance of each dimension, in squared units of the quantum."""
        rows = self.rows
        spreads = (rows * squares - total * total for total, squares in zip(self.totals, self.squares, strict=True))
        return np.array([spread / rows**2 for spread in spreads])


def _by_dimension(
    of: Callable[[Iterable[_Number]], _Number], parts: Sequence[tuple[_Number, ...]]
) -> tuple[_Number, ...]:
    return tuple(map(of, zip(*parts, strict=True)))


class DimensionCounter:
    """Counter of the vectors of one column over any number of arrays, in blocks that fit the cache."""

    def __init__(self, dimension: int, quantum: float) -> None:
        self._dimension = dimension
        self._unit = 1 / quantum
        self._total = DimensionSums()

    def add(self, vectors: npt.NDArray[np.number]) -> Floats:
        """Add the vectors, one per row, and return their norms."""
        sums = _Running(self._dimension)
        norms = [np.zeros(0)]
        for block in iterate_blocks(vectors):
            norms.append(to_norms(block))
            sums.add(block, self._unit)
        self._total = DimensionSums.sum_of([self._total, sums.total()])
        return np.concatenate(norms)

    def total(self) -> DimensionSums:
        """Return the sums so far."""
        return self._total


class _Running:
    """Running sums of fewer than 2**31 vectors; the sums of squares are held in an upper and a lower half."""

    def __init__(self, dimension: int) -> None:
        self._rows = 0
        self._totals, self._low, self._high = (np.zeros(dimension, dtype=np.int64) for _ in range(3))
        self._lows, self._highs = np.full(dimension, np.inf), np.full(dimension, -np.inf)

    def add(self, block: Floats, unit: float) -> None:
        lows, highs = block.min(axis=0), block.max(axis=0)
        # one bound is NaN or infinite if an element is
        reach = max(-float(lows.min()), float(highs.max())) * unit
        if not reach < _FAR:
            block = _near(block, unit)
            if not len(block):
                return
            lows, highs = block.min(axis=0), block.max(axis=0)
            reach = max(-float(lows.min()), float(highs.max())) * unit
        # Adding 0.0 makes -0.0 and 0.0 the same bits, whichever came first.
        self._lows, self._highs = np.minimum(self._lows, lows + 0.0), np.maximum(self._highs, highs + 0.0)
        self._rows += len(block)
        with np.errstate(under="ignore"):
            shifted = block * unit
        shifted += _SHIFTER
        integers = shifted.view(np.int64)
        integers -= _SHIFTER_BITS
        self._totals += integers.sum(axis=0)
        integers *= integers
        self._add_squares(integers, fits=(reach + 1) ** 2 * len(block) < _MOST)

    def _add_squares(self, squares: Integers, *, fits: bool) -> None:
        if fits:
            total = squares.sum(axis=0)
            self._low += total & _LOW
            self._high += total >> 32
        else:
            self._low += (squares & _LOW).sum(axis=0)
            self._high += (squares >> 32).sum(axis=0)

    def total(self) -> DimensionSums:
        if not self._rows:
            return DimensionSums()
        halves = zip(self._high.tolist(), self._low.tolist(), strict=True)
        return DimensionSums(
            rows=self._rows,
            totals=tuple(self._totals.tolist()),
            squares=tuple((high << 32) + low for high, low in halves),
            lows=tuple(self._lows.tolist()),
            highs=tuple(self._highs.tolist()),
        )


def _near(block: Floats, unit: float) -> Floats:
    """Select the vectors that are finite and not far."""
    with np.errstate(over="ignore"):
        near: Floats = block[np.abs(block).max(axis=1) * unit < _FAR]
    return near
