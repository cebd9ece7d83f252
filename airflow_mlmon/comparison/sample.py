"""Deterministic sample of rows without ids: the rows whose numbers have the lowest hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.profiles.engine.hash_sample import HashSample

_Numbers = npt.NDArray[np.uint64]


class RowSample:
    """Sample of at most 5,000 rows; the same rows in the same order give the same sample."""

    def __init__(self) -> None:
        self._rows = 0
        self._sample = HashSample()

    def add(self, table: pa.Table) -> None:
        """Add the next rows."""
        self._sample.add(table, _hash(np.arange(self._rows, self._rows + table.num_rows, dtype=np.uint64)))
        self._rows += table.num_rows

    def table(self) -> pa.Table:
        """Return the sampled rows in their order."""
        return self._sample.table()


def _hash(numbers: _Numbers) -> _Numbers:
    """Hash row numbers with splitmix64, so that neighbours get independent hashes."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
