"""Exact sums: integers on a quantum, so that the order of rows changes no bit.

A deviation d counts as the integer nearest to d / quantum (ties to even). The quantum is a power of
two, so the division itself is exact, and a sum of n rows is within n * quantum / 2 of the true sum.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# Below this the square of an integer fits into 63 bits.
_SMALL = float(2**31)
# Below this an integer is exact as a double; its square is summed in parts.
_MEDIUM = float(2**53)
_LOW = (1 << 32) - 1
_HALF = 27
# The squares of so many integers below _TINY add up to less than 2**63.
_FEW = 1 << 15
_TINY = float(2**24 - 1)
_SHIFTER = 1.5 * 2.0**52
_SHIFTER_BITS = np.float64(_SHIFTER).view(np.int64)


def sum_exactly(integers: npt.NDArray[np.int64]) -> int:
    """Sum fewer than 2**31 integers without overflow.

    >>> sum_exactly(np.full(4, 2**62))
    18446744073709551616
    """
    return (int((integers >> 32).sum()) << 32) + int((integers & _LOW).sum())


def sum_quantised(deviations: npt.NDArray[np.float64], quantum: float, *, reach: float) -> tuple[int, int]:
    """Compute sum and sum of squares of the deviations, in units of the quantum and of its square.

    Args:
        deviations: Deviations to sum.
        quantum: Quantum, a power of two.
        reach: Upper bound of the magnitude of the deviations.

    >>> sum_quantised(np.array([0.5, 1.0, 1e300]), 0.5, reach=1e300) == (3 + 2 * int(1e300), 5 + 4 * int(1e300) ** 2)
    True
    """
    bound = reach / quantum
    if len(deviations) <= _FEW and bound < _SMALL:
        return _bounded_sums(deviations, quantum, bound)
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.rint(deviations / quantum)
    small, medium = np.abs(scaled) < _SMALL, np.abs(scaled) < _MEDIUM
    total, squares = _sums(scaled[small].astype(np.int64))
    if not small.all():
        further = _sums_of_parts(scaled[medium & ~small].astype(np.int64))
        total, squares = total + further[0], squares + further[1]
    # farther values are rare, because the quantum fits the reference; Python's integers hold them all
    for deviation in deviations[~medium].tolist():
        integer = to_integer(deviation, quantum)
        total += integer
        squares += integer * integer
    return total, squares


def _bounded_sums(deviations: npt.NDArray[np.float64], quantum: float, bound: float) -> tuple[int, int]:
    """Sum few deviations of less than 2**31 quanta."""
    # So large a double has no fraction bits left: adding it rounds to the nearest integer, ties to even,
    # which its low bits then hold.
    with np.errstate(under="ignore"):
        shifted = deviations * (1 / quantum)
    shifted += _SHIFTER
    integers = shifted.view(np.int64)
    integers -= _SHIFTER_BITS
    total = int(integers.sum())
    integers *= integers
    # the sum may pass 2**63 and wrap; the sum of the upper halves tells by how much
    wrapped = int(integers.sum())
    if bound < _TINY:
        return total, wrapped
    integers >>= 32
    least = int(integers.sum()) << 32
    return total, least + (wrapped - least) % 2**64


def _sums(integers: npt.NDArray[np.int64]) -> tuple[int, int]:
    return sum_exactly(integers), sum_exactly(integers * integers)


def _sums_of_parts(integers: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Sum integers and their squares, which exceed 63 bits."""
    upper, lower = integers >> _HALF, integers & ((1 << _HALF) - 1)
    squares = sum_exactly(upper * upper) << 2 * _HALF
    squares += sum_exactly(upper * lower) << (_HALF + 1)
    return sum_exactly(integers), squares + sum_exactly(lower * lower)


def to_integer(deviation: float, quantum: float) -> int:
    """Convert a deviation to its integer number of quanta.

    >>> to_integer(0.75, 0.5), to_integer(-1e300, 2.0**-900) == -int(1e300) * 2**900
    (2, True)
    """
    scaled = deviation / quantum
    if math.isfinite(scaled):
        return round(scaled)
    return int(deviation) * int(1 / quantum)
