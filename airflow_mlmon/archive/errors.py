"""Copies among the rows with an error status."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import ModelSpec


def find_repeated_errors(errors: pa.Table, spec: ModelSpec) -> npt.NDArray[np.bool_]:
    """Mark the copies of an error: rows with the id and the time of an earlier one; a failed retry has its own time."""
    times = errors.column(spec.time_column).cast(pa.int64()).cast(pa.string())
    ids = errors.column(spec.id_column).cast(pa.string())
    # without an id nothing says that two rows are one
    keys = pc.binary_join_element_wise(ids, times, "\x1f").combine_chunks()
    codes = keys.dictionary_encode(null_encoding="mask").indices
    is_first = np.zeros(len(codes), dtype=bool)
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)
    is_first[np.unique(numbers, return_index=True)[1]] = True
    is_copy: npt.NDArray[np.bool_] = ~is_first & (numbers >= 0)
    return is_copy
