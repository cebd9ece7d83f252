"""Division of the rows of a table by the values of a segment's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.keys import AMBIGUOUS, CROSSING
from airflow_mlmon.profiles.schema import LONGEST_NAME, SegmentSchema
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy, to_text_array
from airflow_mlmon.profiles.values.reading import read_row_texts

_SHORT = 1 << 16


def count_values(rows: pa.Table, segment: SegmentSchema) -> Counter[str | None]:
    """Count the rows of each value; None stands for the rest.

    Raises:
        SchemaMismatchError: a column holds values other than text, numbers or booleans.
    """
    values = _row_values(rows, segment)
    counted = pc.value_counts(values)
    counts = to_numpy(counted.field("counts")).tolist()
    return Counter(dict(zip(counted.field("values").to_pylist(), counts, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOrder:
    """Order of some rows in which those with the same value lie together.

    Attributes:
        order: Positions of the rows.
        parts: Values with the bounds of their rows in this order; None stands for the rest.
    """

    order: pa.Array
    parts: tuple[tuple[str | None, int, int], ...]

    def split(self, values: pa.ChunkedArray) -> Iterator[tuple[str | None, pa.ChunkedArray]]:
        """Split a column of the rows by value."""
        ordered = values.take(self.order)
        for value, start, stop in self.parts:
            yield value, ordered.slice(start, stop - start)


def order_by_value(rows: pa.Table, segment: SegmentSchema) -> RowOrder:
    """Order the rows by value.

    Raises:
        SchemaMismatchError: a column holds values other than text, numbers or booleans.
    """
    encoded = _row_values(rows, segment).dictionary_encode(null_encoding="encode")
    codes = to_numpy(encoded.indices)
    stops = np.cumsum(np.bincount(codes, minlength=len(encoded.dictionary))).tolist()
    # numpy sorts numbers of 16 bits by their digits, several times as fast as others
    sortable = codes.astype(np.uint16) if len(stops) <= _SHORT else codes
    parts = zip(encoded.dictionary.to_pylist(), [0, *stops], stops, strict=False)
    return RowOrder(order=to_number_array(np.argsort(sortable, kind="stable")), parts=tuple(parts))


def split(
    rows: pa.Table, segment: SegmentSchema, *, by: pa.Table | None = None
) -> Iterator[tuple[str | None, pa.Table]]:
    """Split the rows by value; None stands for the rest.

    Args:
        rows: Rows to divide.
        segment: Segment that divides them.
        by: Rows in the same order that have the segment's columns; by default `rows`.

    Raises:
        SchemaMismatchError: a column holds values other than text, numbers or booleans.
    """
    division = order_by_value(rows if by is None else by, segment)
    ordered = rows.take(division.order)
    for value, start, stop in division.parts:
        yield value, ordered.slice(start, stop - start)


def _row_values(rows: pa.Table, segment: SegmentSchema) -> pa.Array:
    """Return the value of each row, null if it belongs to the rest."""
    if not set(segment.columns) <= set(rows.column_names):
        return pa.nulls(rows.num_rows, pa.string())
    texts = [read_row_texts(rows.column(name), name) for name in segment.columns]
    values = texts[0] if len(texts) == 1 else _cross(texts)
    if segment.values is None:
        has_part = pc.less_equal(pc.utf8_length(values), LONGEST_NAME)
    else:
        has_part = pc.is_in(values, value_set=to_text_array(segment.values))
    return pc.if_else(has_part, values, pa.scalar(None, pa.string()))


def _cross(texts: Sequence[pa.Array]) -> pa.Array:
    """Join the values of each row, like `keys.cross`."""
    return pc.binary_join_element_wise(*(_escape(own) for own in texts), CROSSING)


def _escape(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring(texts, "&")).as_py():
        return texts
    padded = pc.binary_join_element_wise("", texts, "", " ")
    is_ambiguous = pc.or_(*(pc.match_substring(padded, mark) for mark in AMBIGUOUS))
    return pc.if_else(is_ambiguous, pc.replace_substring(texts, "&", "&&"), texts)
