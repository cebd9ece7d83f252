"""Count of the rows whose value another row has too, in eight bytes a row.

Numbers and times are compared as they are, texts by their hashes; those of equal hashes are then compared themselves.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.quality.counts import CheckCounts, CheckedRows
from airflow_mlmon.statistics.arrays import Floats, Integers

_HELD = 1 << 20


def count_repeated(column: str, rows: CheckedRows, size: int) -> CheckCounts | None:
    """Count the rows with a repeated value; None of a column whose type decides otherwise on equality."""
    keys = np.empty(rows.rows, dtype=np.int64)
    held = 0
    are_texts = False
    for batch in rows.batches([], [column], size):
        for values in batch.columns:
            are_texts = _are_texts(values)
            found = _to_keys(values.drop_null())
            if found is None:
                return None
            keys[held : held + len(found)] = found
            held += len(found)
    keys = keys[:held]
    keys.sort()
    is_again = keys[1:] == keys[:-1]
    if not is_again.any():
        return CheckCounts(nulls=rows.rows - held, unexpected=0)
    suspects = np.unique(keys[1:][is_again])
    if are_texts:
        repeated = _count_texts(column, rows, size, suspects)
    else:
        # the first of each, and those after it
        repeated = len(suspects) + int(np.count_nonzero(is_again))
    return CheckCounts(nulls=rows.rows - held, unexpected=repeated)


def _are_texts(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _to_keys(values: pa.ChunkedArray) -> Integers | None:
    """Return a number for each value, equal for equal ones."""
    kind = values.type
    if _are_texts(values):
        return hash_ids(values)
    if pa.types.is_decimal(kind):
        return _to_bits(decimals_to_doubles(values))
    if kind == pa.float64():
        return _to_bits(to_numpy(values))
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        integers: Integers = to_numpy(values.cast(pa.int64()))
        return integers
    return None


def _to_bits(numbers: Floats) -> Integers:
    """Return the bits of the numbers, of which NaN is none and -0.0 is 0.0."""
    return (numbers[~np.isnan(numbers)] + 0.0).view(np.int64)


def _count_texts(column: str, rows: CheckedRows, size: int, suspects: Integers) -> int:
    counted: list[pa.Table] = []
    for batch in rows.batches([], [column], size):
        for values in batch.columns:
            texts = values.drop_null()
            hashes = hash_ids(texts)
            places = np.minimum(np.searchsorted(suspects, hashes), len(suspects) - 1)
            is_suspect = (suspects[places] == hashes).view(np.uint8)
            found = pc.value_counts(texts.filter(to_number_array(is_suspect).cast(pa.bool_())).cast(pa.large_string()))
            counted.append(pa.table({"text": found.field("values"), "rows": found.field("counts")}))
        if sum(table.num_rows for table in counted) > _HELD:
            counted = [_sum(counted)]
    of_text = to_numpy(_sum(counted).column("rows"))
    return int(of_text[of_text > 1].sum())


def _sum(counted: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(counted).group_by("text").aggregate([("rows", "sum")]).rename_columns(["text", "rows"])
