"""Names of rows: the id of their request, and their position in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def number(ids: pa.ChunkedArray, positions: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> pa.ChunkedArray:
    """Append the position of each row to the id of its request, unless it is the only row of it.

    >>> number(pa.chunked_array([["a", "b", "b"]]), np.array([0, 0, 1]), np.array([1, 2, 2])).to_pylist()
    ['a', 'b#0', 'b#1']
    """
    numbered = pc.binary_join_element_wise(ids, pa.array(positions).cast(pa.string()), "#")
    return pc.if_else(pa.array(counts == 1), ids, numbered)


def count_before(ids: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count for each row how often its id came before, and how often it comes in all; nulls count as one id.

    >>> count_before(pa.chunked_array([["a", "b", "a"]]))
    (array([0, 0, 1]), array([2, 1, 2]))
    """
    codes = pc.dictionary_encode(ids.combine_chunks()).indices
    numbers = pc.fill_null(codes, -1).to_numpy(zero_copy_only=False)
    order = np.argsort(numbers, kind="stable")
    _, starts, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    before, counts = np.empty(len(numbers), dtype=np.int64), np.empty(len(numbers), dtype=np.int64)
    before[order] = np.arange(len(numbers)) - np.repeat(starts, sizes)
    counts[order] = np.repeat(sizes, sizes)
    return before, counts
