"""Brings the columns of one file to their declared types, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import Column, ColumnType

_ARROW = {
    ColumnType.FLOAT: pa.float64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.STRING: pa.string(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def arrow_schema(columns: Mapping[str, Column]) -> pa.Schema:
    """The Arrow schema that the declared columns have once they are read."""
    return pa.schema([(name, _ARROW[column.type]) for name, column in columns.items()])


def conform(table: pa.Table, columns: Mapping[str, Column], *, timezone: str | None = None) -> pa.Table:
    """The declared columns of `table`, in the declared order and types.

    Nothing is guessed: a number is never made from text, a timestamp without a zone needs
    `timezone`, a fraction is no integer. Whole numbers stored as floats (as pandas does beside
    a null) are integers, with NaN as null.

    Raises:
        SchemaMismatchError: a column is absent or cannot be read as declared.
    """
    arrays = []
    for name, column in columns.items():
        if name not in table.column_names:
            raise SchemaMismatchError(f"column {name!r} is missing", column=name)
        found = table.column(name)
        try:
            arrays.append(_convert(found, column.type, timezone))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError) as error:
            raise SchemaMismatchError(
                f"column {name!r} is {found.type}, which cannot be read as {column.type}", column=name
            ) from error
    return pa.table(arrays, schema=arrow_schema(columns))


def undeclared(table: pa.Table, columns: Iterable[str]) -> list[str]:
    """Columns of the file that the spec does not name; they are left out."""
    return sorted(set(table.column_names) - set(columns))


def _convert(values: pa.ChunkedArray, kind: ColumnType, timezone: str | None) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(_ARROW[kind])
    return _CONVERSIONS[kind](values, timezone)


def _to_float(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)):
        raise TypeError
    return values.cast(pa.float64(), safe=False)


def _to_integer(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    elif not pa.types.is_integer(values.type):
        raise TypeError
    return values.cast(pa.int64())


def _to_boolean(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if pa.types.is_boolean(values.type):
        return values
    numbers = _to_integer(values, None)
    if not pc.all(pc.is_in(numbers, pa.array([0, 1, None], pa.int64()))).as_py():
        raise TypeError
    return numbers.cast(pa.bool_())


def _to_string(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_large_string(values.type) or pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        return values.cast(pa.string())
    raise TypeError


def _to_timestamp(values: pa.ChunkedArray, timezone: str | None) -> pa.ChunkedArray:
    if not pa.types.is_timestamp(values.type):
        raise TypeError
    if values.type.tz is None:
        if timezone is None:
            raise TypeError
        values = pc.assume_timezone(values, timezone)
    return values.cast(pa.timestamp("us", tz="UTC"), safe=False)


_CONVERSIONS = {
    ColumnType.FLOAT: _to_float,
    ColumnType.INTEGER: _to_integer,
    ColumnType.BOOLEAN: _to_boolean,
    ColumnType.STRING: _to_string,
    ColumnType.CATEGORY: _to_string,
    ColumnType.TIMESTAMP: _to_timestamp,
}
