"""Search for the keys of a delivery among those of predictions: by hashes first, then exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.statistics.arrays import Flags

Rows = npt.NDArray[np.int64]


class Matched(NamedTuple):
    """Pairs of equal keys: ascending positions of predictions, and the row of the delivery that each belongs to."""

    positions: Rows
    rows: Rows


class SoughtKeys:
    """Keys of a delivery without nulls, hashed and sorted once; of equal ones the first belongs to the predictions."""

    def __init__(self, keys: pa.ChunkedArray) -> None:
        self._keys = _to_large(keys)
        hashes = hash_ids(self._keys)
        self._order = np.argsort(hashes)
        self._hashes = hashes[self._order]
        self._keys = pa.chunked_array([self._keys.combine_chunks()])

    def find(self, keys: pa.ChunkedArray) -> Matched:
        """Find the predictions that have one of the keys; null is none."""
        valid = np.flatnonzero(keys.is_valid().to_numpy())
        hashes = hash_ids(keys.drop_null())
        order = np.argsort(hashes)
        hashes = hashes[order]
        low = np.searchsorted(self._hashes, hashes)
        held = low < len(self._hashes)
        held[held] = self._hashes[low[held]] == hashes[held]
        suspects = np.sort(valid[order[held]])
        candidates = self._rows_between(low[held], np.searchsorted(self._hashes, hashes[held], side="right"))
        known = self._keys.take(pa.array(candidates)).combine_chunks()
        places = pc.index_in(_to_large(keys.take(pa.array(suspects))), known)
        is_known = places.is_valid().to_numpy()
        return Matched(suspects[is_known], candidates[places.drop_null().to_numpy()])

    def mark(self, rows: Rows) -> Flags:
        """Mark the keys that are equal to that of one of these rows."""
        marked = np.zeros(len(self._hashes), dtype=np.bool_)
        marked[rows] = True
        if np.any(self._hashes[1:] == self._hashes[:-1]):
            marked = marked[pc.index_in(self._keys, self._keys.combine_chunks()).to_numpy()]
        return marked

    def _rows_between(self, low: Rows, high: Rows) -> Rows:
        """Return the rows, ascending and once each, of ranges of the sorted hashes."""
        lengths = high - low
        shifts = np.repeat(low - (np.cumsum(lengths) - lengths), lengths)
        rows = np.sort(self._order[shifts + np.arange(len(shifts))])
        return rows[np.diff(rows, prepend=-1) > 0]


def _to_large(keys: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return keys of which one array may have more than 2 GiB."""
    return keys.cast(pa.large_string())
