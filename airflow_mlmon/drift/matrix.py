"""Rows as a matrix of doubles, for models of scikit-learn."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.statistics.arrays import Floats

# as many as scikit-learn's histograms take, but for the one of all others
MOST_CATEGORIES = 254


def to_doubles(table: pa.Table, column: ColumnSchema) -> Floats:
    """Convert to doubles, categories to codes, and missing values to NaN; empty if the column is absent."""
    if table.schema.get_field_index(column.name) < 0:
        return np.empty(0)
    found = table.column(column.name)
    if column.kind is Kind.NUMERIC:
        numbers = found.cast(pa.float64(), safe=False).to_numpy()
        return np.where(np.isfinite(numbers), numbers, np.nan)
    known = pa.array(column.vocabulary[:MOST_CATEGORIES], pa.string())
    texts = found.cast(pa.string())
    codes = pc.fill_null(pc.index_in(texts, value_set=known), len(known)).cast(pa.float64()).to_numpy()
    return np.where(texts.is_null().to_numpy(), np.nan, codes)


def order_hashes(ids: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Hash prediction ids, to order rows and to fold them, always the same."""
    # another length than the hash of the samples, so that both are independent
    keys = (hashlib.blake2b(str(key).encode(), digest_size=16).digest()[:8] for key in ids.to_pylist())
    return np.frombuffer(b"".join(keys), dtype="<u8")
