"""Recognition of the columns of a classifier of several classes in a sample, for `mlmon init`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.tasks.multiclass.outcome import MAX_CLASSES

_FEWEST = 3
# codes of classes are few, while numbers that are counted are many
_MOST_CODES = 20
_HIGHEST_SHARE = 0.2


def is_class(values: pa.ChunkedArray) -> bool:
    """Say whether values are texts or whole numbers, of which there are at least three and far fewer than rows."""
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if not (is_text or pa.types.is_integer(values.type)):
        return False
    distinct, rows = pc.count_distinct(values).as_py(), len(values) - values.null_count
    most = MAX_CLASSES if is_text else _MOST_CODES
    return bool(_FEWEST <= distinct <= most and distinct <= max(_HIGHEST_SHARE * rows, _FEWEST))


def is_probability(values: pa.ChunkedArray) -> bool:
    """Say whether all values are numbers between 0 and 1, or lists of such numbers."""
    if pa.types.is_list(values.type) or pa.types.is_fixed_size_list(values.type):
        values = pc.list_flatten(values)
    if not pa.types.is_floating(values.type) or len(values) == values.null_count:
        return False
    ends = pc.min_max(values).as_py()
    return bool(ends["min"] >= 0 and ends["max"] <= 1)
