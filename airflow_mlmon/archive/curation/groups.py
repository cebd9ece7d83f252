"""Row groups of rows on disk: where one ends and how its columns are encoded, whatever the batches were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.tables.bounds import find_ends

GROUP_ROWS = 1 << 17
GROUP_BYTES = 1 << 26
_GROUP_ROWS_OF_VECTORS = 1 << 13
_BYTE_BITS, _NUMBER_BYTES = 8, 8
# a dictionary pays where values repeat; of ids and times it is made in vain, for a quarter of the time of writing
_FEW_ROWS, _FEW_DISTINCT = 1 << 12, 0.9
_MANY_ROWS, _MANY_DISTINCT = 1 << 15, 0.7


def cut_groups(rows: pa.Table) -> tuple[list[pa.Table], pa.Table]:
    """Cut full row groups from the start of rows; return them, and the rows that are left.

    A group is full of rows, of which it has fewer where they are wide or hold vectors, or of the bytes of texts and
    vectors.
    """
    most = _rows_of_group(rows.schema)
    has_room = sum(column.nbytes for column in _of_any_length(rows)) <= GROUP_BYTES
    ends = list(range(most, rows.num_rows + 1, most)) if has_room else find_ends(_bytes_by_row(rows), GROUP_BYTES, most)
    starts = [0, *ends]
    return [rows.slice(start, end - start) for start, end in zip(starts, ends, strict=False)], rows.slice(starts[-1])


def is_full(rows: int, size: int, schema: pa.Schema) -> bool:
    """Return whether rows of a size in bytes may fill a row group."""
    return size > GROUP_BYTES or rows >= _rows_of_group(schema)


def repeating_columns(rows: pa.Table) -> list[str]:
    """Return the columns of no vectors whose values repeat so often that a dictionary of them pays."""
    return [field.name for field in rows.schema if not pa.types.is_nested(field.type) and _repeats(rows[field.name])]


def _rows_of_group(schema: pa.Schema) -> int:
    if any(pa.types.is_nested(kind) for kind in schema.types):
        return _GROUP_ROWS_OF_VECTORS
    width: int = sum(kind.bit_width for kind in schema.types if not pa.types.is_string(kind)) // _BYTE_BITS
    return min(GROUP_ROWS, GROUP_BYTES // (width + 1))


def _of_any_length(rows: pa.Table) -> list[pa.ChunkedArray]:
    return [column for column in rows.columns if pa.types.is_string(column.type) or pa.types.is_nested(column.type)]


def _bytes_by_row(rows: pa.Table) -> Integers:
    sizes = np.zeros(rows.num_rows, dtype=np.int64)
    for column in _of_any_length(rows):
        is_text = pa.types.is_string(column.type)
        lengths = pc.binary_length(column) if is_text else pc.list_value_length(column)
        width = 1 if is_text else column.type.value_type.bit_width // _BYTE_BITS
        sizes += width * pc.fill_null(lengths, 0).to_numpy()
    return sizes


def _repeats(values: pa.ChunkedArray) -> bool:
    few, many = values.slice(0, _FEW_ROWS), values.slice(0, _MANY_ROWS)
    return _share_distinct(few) < _FEW_DISTINCT or _share_distinct(many) < _MANY_DISTINCT


def _share_distinct(values: pa.ChunkedArray) -> float:
    held = values.drop_null()
    if not len(held):
        return 0.0
    if held.type not in (pa.float64(), pa.int64()) and not pa.types.is_timestamp(held.type):
        return float(pc.count_distinct(held).as_py() / len(held))
    # a tenth of the time of Arrow, which hashes them; as integers, because NaN is no other value than NaN
    bits = np.sort(np.concatenate([_to_bits(chunk) for chunk in held.chunks]))
    return float(1 + np.count_nonzero(bits[1:] != bits[:-1])) / len(held)


def _to_bits(numbers: pa.Array) -> Integers:
    return np.frombuffer(numbers.buffers()[1], np.int64, len(numbers), numbers.offset * _NUMBER_BYTES)
