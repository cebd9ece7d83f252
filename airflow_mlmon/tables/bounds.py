"""Bounds of rows by their bytes, so that memory is bounded for values of any length."""

from __future__ import annotations

import numpy as np

from airflow_mlmon.statistics.arrays import Integers


def find_ends(sizes: Integers, most_bytes: int, most_rows: int) -> list[int]:
    """Return the ends of the runs of rows that are full: the next row would be too much, in bytes or in number.

    The rows after the last end are not full. A row that is too large alone is a run of its own.

    >>> find_ends(np.array([5, 5, 1, 30, 1, 1, 1]), 10, 3)
    [2, 3, 4, 7]
    """
    sums = np.concatenate([[0], np.cumsum(sizes)])
    ends: list[int] = []
    start = 0
    while True:
        within = int(np.searchsorted(sums, sums[start] + most_bytes, side="right")) - 1
        end = min(max(within, start + 1), start + most_rows)
        if end > len(sizes) or (end == len(sizes) and end < start + most_rows):
            return ends
        ends.append(end)
        start = end
