"""Reading of one Arrow column as numbers or as counted texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy, to_text_array
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.profiles.values.kernels import kernels

_DAY_S = 86_400
_READ_AS_DOUBLE = (pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
_BLOCK = 1 << 16
_SELECTED_BYTES = (4, 8)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Values of a column as UTF-8 text with their counts; a value may appear twice."""

    values: pa.Array
    counts: npt.NDArray[np.int64]
    nulls: int

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Concatenate the counted texts."""
        return cls(
            values=pa.concat_arrays([to_text_array(()), *(part.values for part in parts)]),
            counts=np.concatenate([np.zeros(0, dtype=np.int64), *(part.counts for part in parts)]),
            nulls=sum(part.nulls for part in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Non-null values of a column, the number of nulls, and the hours of the values where they are counted by hour."""

    values: npt.NDArray[Any]
    nulls: int
    codes: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))


def read_numbers(column: pa.Array | pa.ChunkedArray, name: str) -> Numbers:
    """Read the values as numbers: integers as they are, others as doubles, decimals as the nearest double.

    A timestamp is read as its second of the day in UTC, i.e. since the partition's midnight; a date as that midnight.

    Raises:
        SchemaMismatchError: the column holds values other than numbers.
    """
    with named_column(column, name):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("ms"))
        if pa.types.is_timestamp(column.type) or pa.types.is_time(column.type):
            values = column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32()).drop_null()  # noqa: PLR2004
            per_second = _PER_SECOND[column.type.unit]
            seconds: npt.NDArray[np.int64] = to_numpy(values) // per_second % _DAY_S
            return Numbers(values=seconds, nulls=column.null_count)
        if pa.types.is_decimal(column.type):
            return Numbers(values=decimals_to_doubles(column.drop_null()), nulls=column.null_count)
        if not pa.types.is_integer(column.type):
            # Arrow would parse "1.5", but text where a number is declared is a mistake
            if not any(is_kind(column.type) for is_kind in _READ_AS_DOUBLE):
                raise pa.ArrowTypeError("no number")
            column = column if pa.types.is_float64(column.type) else column.cast(pa.float64(), safe=False)
        nulls = column.null_count
        is_plain = isinstance(column, pa.Array) and nulls
        return Numbers(values=_held_values(column) if is_plain else to_numpy(column.drop_null()), nulls=nulls)


def _held_values(column: pa.Array) -> npt.NDArray[Any]:
    """Select the non-null values; numpy does so three times as fast as Arrow."""
    validity, values = column.buffers()
    dtype = np.dtype(column.type.to_pandas_dtype())
    stored = np.frombuffer(values, dtype, len(column), column.offset * dtype.itemsize)
    if kernels and dtype.itemsize in _SELECTED_BYTES:
        found: npt.NDArray[Any] = np.empty(len(column), dtype)
        return found[: kernels.select_valid(stored, dtype.itemsize, validity, column.offset, len(column), found)]
    bits = np.frombuffer(validity, np.uint8)[column.offset >> 3 :]
    at = column.offset & 7
    is_held = np.unpackbits(bits, count=at + len(column), bitorder="little")[at:].view(np.bool_)
    held: npt.NDArray[Any] = stored[is_held]
    return held


def count_texts(column: pa.Array | pa.ChunkedArray, name: str) -> Texts:
    """Count the distinct values of a column as text; dictionaries by index.

    Raises:
        SchemaMismatchError: the column holds values other than text, numbers or booleans.
    """
    with named_column(column, name):
        if pa.types.is_dictionary(column.type):
            values, counts = _count_indices(column)
        else:
            counted = _count_flags(column) if pa.types.is_boolean(column.type) else pc.value_counts(column)
            values, counts = counted.field("values"), to_numpy(counted.field("counts"))
        texts = values.cast(pa.string())
        # a dictionary may hold values that no row has
        known = to_numpy(texts.is_valid()) & (counts > 0)
        held = counts[known]
        return Texts(
            values=texts.take(to_number_array(np.flatnonzero(known))), counts=held, nulls=len(column) - int(held.sum())
        )


def read_texts(column: pa.Array, name: str) -> pa.Array:
    """Read the non-null values as strings; a value of a dictionary comes once.

    Raises:
        SchemaMismatchError: the column holds values other than text, numbers or booleans.
    """
    if pa.types.is_dictionary(column.type):
        return count_texts(column, name).values
    with named_column(column, name):
        return column.drop_null().cast(pa.large_string() if pa.types.is_large_string(column.type) else pa.string())


def read_row_texts(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Read the value of each row as a string, null if there is none.

    Raises:
        SchemaMismatchError: the column holds values other than text, numbers or booleans.
    """
    with named_column(column, name):
        plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        texts = plain.cast(pa.string())
        return texts.combine_chunks() if texts.num_chunks else pa.nulls(0, pa.string())


def _count_flags(column: pa.Array | pa.ChunkedArray) -> pa.StructArray:
    true = pc.sum(column).as_py() or 0
    counts = to_number_array(np.array([true, len(column) - column.null_count - true], dtype=np.int64))
    flags = to_number_array(np.array([1, 0], dtype=np.uint8)).cast(pa.bool_())
    return pa.StructArray.from_arrays([flags, counts], ["values", "counts"])


def _count_indices(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return the dictionary's values with the count of each."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
    counts = np.zeros(len(column.dictionary), dtype=np.int64)
    indices = to_numpy(column.indices.drop_null())
    for start in range(0, len(indices), _BLOCK):
        block = indices[start : start + _BLOCK].astype(np.int64)
        counts += np.bincount(block, minlength=len(counts))
    return column.dictionary, counts


@contextmanager
def named_column(column: pa.Array | pa.ChunkedArray, name: str) -> Iterator[None]:
    """Turn Arrow's errors into one that names the column.

    Raises:
        SchemaMismatchError: the column cannot be read as declared.
    """
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise SchemaMismatchError(
            f"Column {name!r} is of type {column.type}, which cannot be profiled as declared in the spec.",
            hint="correct the column's type in the spec, or declare `role: ignored`",
            column=name,
            type=str(column.type),
        ) from error
