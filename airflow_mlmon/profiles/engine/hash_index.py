"""Index of ascending hashes, in which others are looked up in any order."""

from __future__ import annotations

from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.statistics.arrays import Integers

Places = npt.NDArray[np.int32]

_HASH_BITS: Final = 63
_FEWEST_BITS: Final = 8
# finer buckets, of which at most an eighth has a hash, so that most of those that are not there are told by a bit
_FINER: Final = 3


def order_of(hashes: Integers) -> Integers:
    """Return the places of hashes, of which none is negative, in their ascending order.

    >>> order_of(np.array([7 << 40, 2 << 40, 5 << 40])).tolist()
    [1, 2, 0]
    """
    # a place in the last bits of its hash: numbers are sorted four times as fast as places by them
    bits = max(len(hashes) - 1, 0).bit_length()
    order = hashes >> bits << bits
    order |= np.arange(len(hashes))
    order.sort()
    order &= (1 << bits) - 1
    ordered = hashes[order]
    # two that differ in these bits alone are rare
    return order if np.all(ordered[1:] >= ordered[:-1]) else np.argsort(hashes)


class HashIndex:
    """Ascending hashes, at most 2**31 - 1, with the place where those of each bucket of their first bits begin."""

    def __init__(self, hashes: Integers) -> None:
        self.hashes = hashes
        bits = max(len(hashes).bit_length() - 1, _FEWEST_BITS)
        self._shift = _HASH_BITS - bits
        self._starts = np.zeros((1 << bits) + 1, dtype=np.int32)
        np.cumsum(np.bincount(hashes >> self._shift, minlength=1 << bits), out=self._starts[1:])
        taken = np.zeros(1 << (bits + _FINER), dtype=np.bool_)
        taken[hashes >> (self._shift - _FINER)] = True
        self._taken = np.packbits(taken)

    def places_of(self, sought: Integers) -> Places:
        """Return the first place of each hash; -1 of one that is not there, as none is that is negative.

        >>> HashIndex(np.array([2, 5, 5, 9])).places_of(np.array([5, 3, 9, -1])).tolist()
        [1, -1, 3, -1]
        """
        if kernels:
            return self._places_by_kernel(kernels, sought)
        places: Places = np.full(len(sought), -1, dtype=np.int32)
        fine = sought >> (self._shift - _FINER)
        likely = np.flatnonzero((self._taken[fine >> 3] << (fine & 7) & 128 > 0) & (sought >= 0))
        # in their order, as the search then goes through the hashes once
        likely = likely[np.argsort(sought[likely])]
        low = np.searchsorted(self.hashes, sought[likely])
        is_there = low < len(self.hashes)
        is_there[is_there] = self.hashes[low[is_there]] == sought[likely[is_there]]
        places[likely[is_there]] = low[is_there]
        return places

    def _places_by_kernel(self, compiled: ModuleType, sought: Integers) -> Places:
        places: Places = np.empty(len(sought), dtype=np.int32)
        sought = np.ascontiguousarray(sought)
        compiled.find_hashes(self.hashes, self._starts, self._shift, self._taken, _FINER, sought, places)
        return places
