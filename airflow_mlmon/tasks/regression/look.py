"""Recognition of a regression's columns in a sample, for `mlmon init`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# fewer distinct whole numbers are classes rather than amounts
_FEWEST_WHOLE = 20


def is_amount(values: pa.ChunkedArray) -> bool:
    """Say whether a column holds numbers that are neither flags nor a few classes."""
    if pa.types.is_integer(values.type):
        return len(values.unique()) >= _FEWEST_WHOLE
    is_number = pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)
    return is_number and len(values) > values.null_count and not _is_whole(values)


def is_beside(bound: pa.ChunkedArray, prediction: pa.ChunkedArray, *, is_above: bool) -> bool:
    """Say whether a bound is never on the wrong side of a prediction."""
    low, high = (prediction, bound) if is_above else (bound, prediction)
    return bool(pc.all(pc.less_equal(low.cast(pa.float64()), high.cast(pa.float64()))).as_py())


def _is_whole(values: pa.ChunkedArray) -> bool:
    """Say whether all numbers are whole and few, such as classes that were written as doubles."""
    numbers = values.drop_null()
    return len(numbers.unique()) < _FEWEST_WHOLE and bool(pc.all(pc.equal(numbers, pc.floor(numbers))).as_py())
