"""Encoding of a table as the Parquet that Druid reads, with the values of the JSON Lines."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.druid.json_lines import to_text


def write_parquet(table: pa.Table) -> bytes:
    """Encode the rows; NaN and ±inf become null, timestamps ISO text in UTC, booleans 0 and 1, decimals text.

    >>> pq.read_table(io.BytesIO(write_parquet(pa.table({"x": [0.5, float("nan")], "ok": [True, False]})))).to_pydict()
    {'x': [0.5, None], 'ok': [1, 0]}
    """
    sink = io.BytesIO()
    pq.write_table(to_druid_types(table), sink, compression="snappy")
    return sink.getvalue()


def to_druid_types(table: pa.Table) -> pa.Table:
    """Convert the columns to types that Druid reads from Parquet."""
    names = table.column_names
    return pa.table([_plain(name, table.column(name).combine_chunks()) for name in names], names=names)


def _plain(name: str, column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(name, column.dictionary_decode())
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_boolean(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_finite(numbers), numbers, None)
    if pa.types.is_integer(kind):
        return column.cast(pa.string())
    return to_text(name, column)
