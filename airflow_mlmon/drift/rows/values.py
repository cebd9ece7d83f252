"""ColumnValues of a table by column, as doubles or as codes of texts, converted once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.statistics.arrays import Floats, Integers


class ColumnValues:
    """Columns of a table, each converted when it is first asked for."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._numbers: dict[str, Floats] = {}
        self._texts: dict[str, pa.Array] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._table.num_rows)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(self._table.column_names)

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers or times as doubles; NaN where a value is missing or infinite."""
        if name not in self._numbers:
            self._numbers[name] = _to_doubles(self._table.column(name))
        return self._numbers[name]

    def texts(self, name: str) -> pa.Array:
        """Return a column as texts."""
        if name not in self._texts:
            self._texts[name] = self._table.column(name).cast(pa.string()).combine_chunks()
        return self._texts[name]

    def codes(self, name: str) -> tuple[Integers, pa.Array]:
        """Return a column as codes of its distinct texts, and the texts; -1 where a value is missing."""
        encoded = self.texts(name).dictionary_encode()
        codes = to_numpy(pc.fill_null(encoded.indices, -1)).astype(np.int64)
        return codes, encoded.dictionary


def _to_doubles(values: pa.ChunkedArray) -> Floats:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    missing = to_numpy(values.is_null())
    filled = values.filter(values.is_valid()) if missing.any() else values
    numbers = decimals_to_doubles(filled) if pa.types.is_decimal(values.type) else _plain(filled)
    found = np.full(len(missing), np.nan)
    found[~missing] = numbers
    found[~np.isfinite(found)] = np.nan
    return found


def _plain(values: pa.ChunkedArray) -> Floats:
    return to_numpy(values.cast(pa.float64(), safe=False))
