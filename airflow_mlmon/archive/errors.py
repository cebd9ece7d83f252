"""Rows with an error status: requests that the model did not answer, which count as traffic and errors only."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import ModelSpec


def mark_errors(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Mark the rows whose status is an error by `operational`; none without a status."""
    operational = spec.operational
    if operational is None or operational.status is None or operational.status not in table.column_names:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    texts = table.column(operational.status).cast(pa.string())
    found = [text for text in pc.unique(texts).to_pylist() if text is not None and operational.is_error(text)]
    return pc.is_in(texts, pa.array(found, pa.string()))


def find_repeated_errors(errors: pa.Table, spec: ModelSpec) -> np.ndarray:
    """Mark the copies of an error: rows with the id and the time of an earlier one; a failed retry has its own time."""
    times = errors.column(spec.time_column).cast(pa.int64()).cast(pa.string())
    ids = errors.column(spec.id_column).cast(pa.string())
    # without an id nothing says that two rows are one
    keys = pc.binary_join_element_wise(ids, times, "\x1f").combine_chunks()
    codes = keys.dictionary_encode(null_encoding="mask").indices
    is_first = np.zeros(len(codes), dtype=bool)
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)
    is_first[np.unique(numbers, return_index=True)[1]] = True
    return ~is_first & (numbers >= 0)
