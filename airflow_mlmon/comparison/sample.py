"""Deterministic sample of rows read in pieces: the rows whose numbers have the lowest hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.profiles.values.arrow import to_number_array

SAMPLE_ROWS = 5_000

_Numbers = npt.NDArray[np.uint64]


class RowSample:
    """Sample of at most 5,000 rows; the same rows in the same order give the same sample."""

    def __init__(self) -> None:
        self._rows = 0
        self._tables: list[pa.Table] = []
        self._hashes: _Numbers = np.zeros(0, dtype=np.uint64)

    def add(self, table: pa.Table) -> None:
        """Add the next rows."""
        hashes = _hash(np.arange(self._rows, self._rows + table.num_rows, dtype=np.uint64))
        self._rows += table.num_rows
        kept = np.concatenate((self._hashes, hashes))
        chosen = np.sort(np.argsort(kept, kind="stable")[:SAMPLE_ROWS])
        before = chosen[chosen < len(self._hashes)]
        after = chosen[chosen >= len(self._hashes)] - len(self._hashes)
        self._tables = [piece for piece in (*self._take(before), _take(table, after)) if piece.num_rows]
        self._hashes = kept[chosen]

    def table(self) -> pa.Table:
        """Return the sampled rows in their order."""
        return pa.concat_tables(self._tables, promote_options="permissive") if self._tables else pa.table({})

    def _take(self, places: npt.NDArray[np.intp]) -> list[pa.Table]:
        return [_take(self.table(), places)] if self._tables else []


def _take(table: pa.Table, places: npt.NDArray[np.intp]) -> pa.Table:
    return table.take(to_number_array(places))


def _hash(numbers: _Numbers) -> _Numbers:
    """Hash row numbers with splitmix64, so that neighbours get independent hashes."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
