"""Division of rows by the file that they are from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

FILE = "file"


def split_by_file(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Divide rows by the number in their column FILE, which is left out."""
    ordered = table.sort_by(FILE)
    numbers = ordered.column(FILE).to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1), len(numbers)]
    rows = ordered.drop_columns([FILE])
    for start, end in pairwise(starts):
        yield int(numbers[start]), rows.slice(start, end - start)
