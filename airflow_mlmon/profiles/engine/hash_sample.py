"""Deterministic sample of rows that are read in pieces: those with the lowest hashes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_number_array

SAMPLE_ROWS = 5_000
# rows that are collected before all but the lowest are dropped, in samples
_COLLECTED = 4
# longest text of a sampled row, in bytes and in characters: whole, 5,000 of ten megabytes would be held
_LONGEST = 4_096

RowHashes = npt.NDArray[np.integer[Any]]


def sample_by_hash(table: pa.Table, hashes: RowHashes, rows: int = SAMPLE_ROWS) -> pa.Table:
    """Return the `rows` rows with the lowest hashes, in the order of the table; of long texts the start."""
    if table.num_rows <= rows:
        return shorten_texts(table)
    return shorten_texts(table.take(to_number_array(_lowest(hashes, rows))))


class HashSample:
    """Sample of at most 5,000 of the rows that were added; batches of any size give the same one.

    Of long texts it has the start.
    """

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._hashes: list[RowHashes] = []
        self._highest: int | None = None

    def add(self, table: pa.Table, hashes: RowHashes) -> None:
        """Add the next rows with their hashes."""
        low = np.arange(len(hashes)) if self._highest is None else np.flatnonzero(hashes <= self._highest)
        known = np.concatenate([*self._hashes, hashes[low]])
        if len(known) > SAMPLE_ROWS:
            self._highest = int(np.partition(known, SAMPLE_ROWS - 1)[SAMPLE_ROWS - 1])
            low = low[hashes[low] <= self._highest]
        if len(low) < len(hashes):
            table, hashes = table.take(to_number_array(low)), hashes[low]
        if table.num_rows or not self._tables:
            self._tables.append(shorten_texts(table))
            self._hashes.append(hashes)
        if len(known) > _COLLECTED * SAMPLE_ROWS:
            self._drop()

    def table(self) -> pa.Table:
        """Return the sampled rows in their order."""
        self._drop()
        return self._tables[0] if self._tables else pa.table({})

    def _drop(self) -> None:
        if not self._tables:
            return
        hashes = np.concatenate(self._hashes)
        lowest = _lowest(hashes, SAMPLE_ROWS)
        table = pa.concat_tables(self._tables, promote_options="permissive").take(to_number_array(lowest))
        self._tables, self._hashes = [table], [hashes[lowest]]


def shorten_texts(table: pa.Table) -> pa.Table:
    """Return rows with the start of each long text, as samples have them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(place)
            if (pc.max(pc.binary_length(column)).as_py() or 0) > _LONGEST:
                table = table.set_column(place, field, pc.utf8_slice_codeunits(column, 0, _LONGEST))
    return table


def _lowest(hashes: RowHashes, rows: int) -> npt.NDArray[np.intp]:
    return np.sort(np.argsort(hashes, kind="stable")[:rows])
