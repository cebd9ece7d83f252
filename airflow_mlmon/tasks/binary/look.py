"""Recognition of a binary classifier's columns in a sample, for `mlmon init`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def is_binary(values: pa.ChunkedArray) -> bool:
    """Say whether a column holds true and false, or 0 and 1, and nothing else."""
    if pa.types.is_boolean(values.type):
        return True
    if not pa.types.is_integer(values.type):
        return False
    return len(values) > values.null_count and bool(
        pc.all(pc.is_in(values, pa.array([0, 1, None], values.type))).as_py()
    )


def is_share(values: pa.ChunkedArray) -> bool:
    """Say whether all values of a column lie between 0 and 1."""
    if values.null_count == len(values):
        return False
    ends = pc.min_max(values.cast(pa.float64(), safe=False)).as_py()
    return bool(ends["min"] >= 0 and ends["max"] <= 1)


def is_cut_of(values: pa.ChunkedArray, score: pa.ChunkedArray) -> bool:
    """Say whether every score of the trues is above every score of the others."""
    truth = values.cast(pa.bool_())
    above, below = score.filter(truth), score.filter(pc.invert(truth))
    if not len(above.drop_null()) or not len(below.drop_null()):
        return False
    return bool(pc.min(above).as_py() >= pc.max(below).as_py())
