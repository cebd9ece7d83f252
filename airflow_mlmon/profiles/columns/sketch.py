"""Distinct count of texts by a theta sketch; the only module that imports datasketches.

The sketch keeps the k = 1,024 smallest hashes it has seen, in its compact ordered form, trimmed to k. These bytes
depend on the set of texts only, not on their order, repetition or split, so sketches are additive. The count
is exact up to k; beyond, its standard error is about 3 %. An empty text does not count, as in the library and
in Druid's own theta sketches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import datasketches
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import is_ascii, to_number_array, to_text_array
from airflow_mlmon.profiles.values.murmur import hash_texts

_LOG2_K = 10
SKETCH_SIZE = 1 << _LOG2_K
# Up to this number of texts, updating one by one is faster than hashing beforehand.
_FEW = 256
_FIRST_BLOCK = 1 << 12
_BLOCK = 1 << 16
# the one after those that are kept tells that there are more, and an empty text, which is not counted, may be in them
_ASKED = SKETCH_SIZE + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctSketch:
    """Theta sketch of distinct texts.

    Attributes:
        data: Sketch as the datasketches library writes it.
    """

    data: bytes

    @classmethod
    def empty(cls) -> Self:
        """Return the sketch of no texts."""
        return cls(data=_empty_data())

    @staticmethod
    def of(texts: pa.Array) -> DistinctSketch:
        """Build the sketch of strings without nulls; bytes that are not UTF-8 count as U+FFFD."""
        if not len(texts):
            # they may have no type
            return DistinctSketch.empty()
        builder = SketchBuilder()
        builder.add(texts)
        return builder.sketch()

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum sketches."""
        union = datasketches.theta_union(lg_k=_LOG2_K)
        for part in parts:
            union.update(_read(part.data))
        return cls(data=union.get_result(ordered=True).serialize())

    @property
    def estimate(self) -> float:
        """Estimate the number of distinct texts; exact up to 1,024."""
        return float(_read(self.data).get_estimate())

    @property
    def bounds(self) -> tuple[float, float]:
        """Compute the bounds of the distinct count at about 95 % confidence."""
        sketch = _read(self.data)
        return float(sketch.get_lower_bound(2)), float(sketch.get_upper_bound(2))


class SketchBuilder:
    """Sketch of texts that are added in any number of arrays."""

    def __init__(self) -> None:
        self._sketch = datasketches.update_theta_sketch(lg_k=_LOG2_K)

    def add(self, texts: pa.Array) -> None:
        """Add strings without nulls; bytes that are not UTF-8 count as U+FFFD."""
        texts = _to_valid(texts)
        start, step = 0, _FIRST_BLOCK
        while start < len(texts):
            for text in _candidates(texts.slice(start, step), self._sketch.theta64):
                self._sketch.update(text)
            # the more have been seen, the fewer of the next are candidates
            self._sketch.trim()
            start, step = start + step, min(2 * step, _BLOCK)

    def sketch(self) -> DistinctSketch:
        """Return the sketch of the texts so far."""
        self._sketch.trim()
        return DistinctSketch(data=self._sketch.compact(ordered=True).serialize())


def _read(data: bytes) -> datasketches.compact_theta_sketch:
    return datasketches.compact_theta_sketch.deserialize(data)


@lru_cache(maxsize=1)
def _empty_data() -> bytes:
    return bytes(datasketches.update_theta_sketch(lg_k=_LOG2_K).compact(ordered=True).serialize())


def _candidates(texts: pa.Array, theta: int) -> list[str]:
    """Drop most texts whose hash is too large for the sketch to keep."""
    if len(texts) > _FEW:
        hashes = hash_texts(texts)
        small = np.flatnonzero(hashes < np.uint64(theta))
        _, first = np.unique(hashes[small], return_index=True)
        texts = texts.take(to_number_array(small[first[:_ASKED]]))
    found: list[str] = texts.to_pylist()
    return found


def _to_valid(texts: pa.Array) -> pa.Array:
    if is_ascii(texts):
        return texts
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        stored = pc.cast(texts, pa.large_binary()).to_pylist()
        return to_text_array([text.decode(errors="replace") for text in stored], pa.large_string())
    return texts
