"""Hashes of the ids of a day on disk, in the order of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from airflow_mlmon.archive.curation.spool import Positions
from airflow_mlmon.statistics.arrays import Integers

_BLOCK = 1 << 20
_BYTES = 8
# hashes that are sorted at a time, unless there are at most `_RANGES` times as many in all
_SORTED, _RANGES = 1 << 22, 4
_BITS = 63


class HashLog:
    """File of 64-bit hashes, one per row, which are sorted a range of values at a time."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.path = path
        path.touch()

    @classmethod
    def restore(cls, path: Path) -> Self:
        """Take up a log again."""
        log = cls(path)
        log.rows = path.stat().st_size // _BYTES
        return log

    def add(self, hashes: Integers) -> None:
        """Append the hashes of further rows."""
        with self.path.open("ab") as file:
            file.write(hashes.astype("<i8", copy=False).tobytes())
        self.rows += len(hashes)

    def doubled(self) -> Integers:
        """Return the hashes that several rows have, ascending."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *map(find_doubled, self.ranges())])

    def count_distinct(self) -> int:
        """Return the number of hashes that some row with a key has."""
        return sum(int(np.count_nonzero(hashes[1:] != hashes[:-1])) + bool(len(hashes)) for hashes in self.ranges())

    def ranges(self) -> Iterator[Integers]:
        """Yield the hashes of all rows with a key ascending, in ranges that fit into memory.

        The file is read once for each; that of few is one.
        """
        # what the rows took is free by now, but not yet given back
        pa.default_memory_pool().release_unused()
        count = -(-self.rows // _SORTED) if self.rows > _RANGES * _SORTED else min(self.rows, 1)
        # in as many halves of the values, as hashes are spread evenly; those of no key are negative
        shift = max(_BITS - max(count - 1, 0).bit_length(), 0)
        for number in range(-(-(1 << _BITS) >> shift) if count else 0):
            if count == 1:
                hashes = self.between(0, self.rows)
            else:
                hashes = np.concatenate([block[block >> shift == number] for block in self._blocks()])
            hashes.sort()
            yield hashes[np.searchsorted(hashes, 0) :]

    def between(self, start: int, end: int) -> Integers:
        """Return the hashes of a range of rows."""
        hashes = np.fromfile(self.path, dtype="<i8", count=end - start, offset=_BYTES * start)
        return hashes.astype(np.int64, copy=False)

    def _blocks(self) -> Iterator[Integers]:
        for start in range(0, self.rows, _BLOCK):
            yield self.between(start, min(start + _BLOCK, self.rows))

    def positions_of(self, wanted: Integers) -> Positions:
        """Return the positions, ascending, of the rows whose hash is one of the ascending `wanted`."""
        found = [np.zeros(0, dtype=np.int64)]
        if len(wanted):
            for number, hashes in enumerate(self._blocks()):
                places = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
                found.append(number * _BLOCK + np.flatnonzero(wanted[places] == hashes))
        return np.concatenate(found)

    def without(self, positions: Positions, path: Path) -> HashLog:
        """Copy the hashes of all rows but those at ascending positions."""
        copy = HashLog(path)
        for number, hashes in enumerate(self._blocks()):
            start = number * _BLOCK
            low, high = np.searchsorted(positions, [start, start + len(hashes)])
            copy.add(np.delete(hashes, positions[low:high] - start))
        return copy


def find_doubled(ordered: Integers) -> Integers:
    """Return the values that occur more than once among ascending ones.

    >>> find_doubled(np.array([1, 2, 2, 5, 5, 5])).tolist()
    [2, 5]
    """
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
