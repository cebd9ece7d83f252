"""Search for the keys of a delivery among those of predictions: by hashes first, then exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.statistics.arrays import Flags, Integers

_HASH_BITS, _SPARSE, _FEWEST_BITS = 63, 4, 8


class Matched(NamedTuple):
    """Pairs of equal keys: ascending positions of predictions, and the row of the delivery that each belongs to."""

    positions: Integers
    rows: Integers


class SoughtKeys:
    """Keys of a delivery without nulls, hashed and sorted once; of equal ones the first belongs to the predictions."""

    def __init__(self, keys: pa.ChunkedArray) -> None:
        hashes = hash_ids(keys)
        self._order = np.argsort(hashes)
        self._hashes = hashes[self._order]
        self._keys = pa.chunked_array([_to_large(keys).combine_chunks()])
        # at most a fourth of the places is taken: most other hashes are told by theirs
        self._shift = _HASH_BITS - max((len(hashes) * _SPARSE).bit_length(), _FEWEST_BITS)
        self._is_taken = np.zeros(1 << (_HASH_BITS - self._shift), np.bool_)
        self._is_taken[hashes >> self._shift] = True
        self._has_doubled = bool(np.any(self._hashes[1:] == self._hashes[:-1]))

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._hashes)

    def find(self, keys: pa.ChunkedArray) -> Matched:
        """Find the predictions that have one of the keys; null is none."""
        valid = np.flatnonzero(keys.is_valid().to_numpy()) if keys.null_count else None
        hashes = hash_ids(keys.drop_null())
        likely = np.flatnonzero(self._is_taken[hashes >> self._shift])
        order = likely[np.argsort(hashes[likely])]
        hashes = hashes[order]
        low = np.searchsorted(self._hashes, hashes)
        held = low < len(self._hashes)
        held[held] = self._hashes[low[held]] == hashes[held]
        suspects = order[held] if valid is None else valid[order[held]]
        ascending = np.argsort(suspects)
        suspects, low = suspects[ascending], low[held][ascending]
        asked = _to_large(keys.take(pa.array(suspects)))
        if not self._has_doubled:
            rows = self._order[low]
            is_equal = pc.equal(asked, self._keys.take(pa.array(rows))).to_numpy()
            return Matched(suspects[is_equal], rows[is_equal])
        rows = self._rows_alike(low)
        places = pc.index_in(asked, self._keys.take(pa.array(rows)).combine_chunks())
        is_equal = places.is_valid().to_numpy()
        return Matched(suspects[is_equal], rows[places.drop_null().to_numpy()])

    def mark(self, rows: Integers) -> Flags:
        """Mark the keys that are equal to that of one of these rows."""
        marked = np.zeros(len(self._hashes), dtype=np.bool_)
        marked[rows] = True
        if self._has_doubled:
            marked = marked[pc.index_in(self._keys, self._keys.combine_chunks()).to_numpy()]
        return marked

    def _rows_alike(self, low: Integers) -> Integers:
        """Return the rows, ascending and once each, whose hash is one of those at some places."""
        return np.sort(self._order[np.isin(self._hashes, self._hashes[low])])


def _to_large(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return keys of which one array may have more than 2 GiB."""
    return keys.cast(pa.large_string())
