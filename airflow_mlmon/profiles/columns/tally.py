"""Tally: counts of distinct keys, as two sorted read-only arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.statistics.arrays import Counts

Keys = npt.NDArray[Any]
# With fewer keys per place than this, sorting is faster.
_PLACES_PER_KEY = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Distinct keys in ascending order, each with a positive count."""

    keys: Keys
    counts: Counts

    def __post_init__(self) -> None:
        """Make both arrays read-only."""
        self.keys.flags.writeable = False
        self.counts.flags.writeable = False

    @classmethod
    def empty(cls, dtype: npt.DTypeLike) -> Self:
        """Return the empty tally; `dtype` is the type of its keys."""
        return cls(keys=np.zeros(0, dtype=dtype), counts=np.zeros(0, dtype=np.int64))

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Count an array of keys."""
        distinct, counts = np.unique(keys, return_counts=True)
        return cls(keys=distinct, counts=counts.astype(np.int64))

    @classmethod
    def of_counts(cls, keys: Keys, counts: npt.NDArray[np.integer]) -> Self:
        """Sum keys that come with counts; keys may repeat, counts may be zero.

        >>> tally = Tally.of_counts(np.array([3, 1, 3, 2]), np.array([1, 5, 2, 0]))
        >>> tally.keys.tolist(), tally.counts.tolist()
        ([1, 3], [5, 3])
        """
        held = counts > 0
        order = np.argsort(keys[held], kind="stable")
        ordered, weights = keys[held][order], counts[held][order].astype(np.int64)
        if not ordered.size:
            return cls(keys=ordered, counts=weights)
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        return cls(keys=ordered[starts], counts=np.add.reduceat(weights, starts))

    @classmethod
    def total(cls, parts: Sequence[Self]) -> Self:
        """Sum several tallies with keys of one type."""
        held = [part for part in parts if part.keys.size]
        if len(held) <= 1:
            return held[0] if held else parts[0]
        if held[0].keys.dtype.kind == "i" and (total := cls._dense_total(held)):
            return total
        return cls.of_counts(
            np.concatenate([part.keys for part in held]), np.concatenate([part.counts for part in held])
        )

    def without(self, part: Self) -> Self:
        """Subtract the counts of a part."""
        return self.of_counts(self.keys, self.counts - part.spread(self.keys))

    @classmethod
    def _dense_total(cls, parts: Sequence[Self]) -> Self | None:
        """Sum by a place for each key of the range; None if most places would stay empty."""
        low = min(int(part.keys[0]) for part in parts)
        places = max(int(part.keys[-1]) for part in parts) - low + 1
        if places > _PLACES_PER_KEY * sum(map(len, parts)):
            return None
        counts = np.zeros(places, dtype=np.int64)
        by_kernel = kernels if parts[0].keys.dtype == np.int32 else None
        for part in parts:
            if by_kernel:
                by_kernel.add_counts(part.keys, part.counts, low, counts)
            else:
                np.add.at(counts, part.keys - low, part.counts)
        held = np.flatnonzero(counts != 0)
        return cls(keys=(held + low).astype(parts[0].keys.dtype), counts=counts[held])

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same keys with the same counts."""
        if not isinstance(other, Tally):
            return NotImplemented
        return np.array_equal(self.keys, other.keys) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        """Return the number of distinct keys."""
        return len(self.keys)

    @property
    def rows(self) -> int:
        """Sum of the counts."""
        return int(self.counts.sum())

    def count_of(self, key: float) -> int:
        """Return the count of `key`."""
        position = int(np.searchsorted(self.keys, key))
        return int(self.counts[position]) if position < len(self.keys) and self.keys[position] == key else 0

    def spread(self, keys: Keys) -> Counts:
        """Return the counts on a wider, ascending set of keys; zero where a key does not occur."""
        counts = np.zeros(len(keys), dtype=np.int64)
        counts[np.searchsorted(keys, self.keys)] = self.counts
        return counts
