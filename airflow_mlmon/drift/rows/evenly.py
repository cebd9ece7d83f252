"""Rows evenly spread over a day: as many as say what all of them would."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from airflow_mlmon.profiles.values.arrow import to_number_array

# rows of a day that a loss is expected of at most
MOST = 100_000


def step_of(rows: int) -> int:
    """Return how far apart the rows are, of which the first is one."""
    return max(math.ceil(rows / MOST), 1)


def take_every(step: int, rows: pa.Table, first: int) -> pa.Table:
    """Take every so many-th row of a day from some of its rows, the first of which has this position.

    >>> take_every(3, pa.table({"x": [4, 5, 6, 7]}), 4).column("x").to_pylist()
    [6]
    """
    return rows if step == 1 else rows.take(to_number_array(np.arange(-first % step, rows.num_rows, step)))
