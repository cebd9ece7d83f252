"""Conversion of the columns of a file to their declared types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.contents import is_vector

_ARROW = {
    ColumnType.FLOAT: pa.float64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.STRING: pa.string(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    # the narrowest: they become as wide as the values of a file need
    ColumnType.DECIMAL: pa.decimal128(1, 0),
    ColumnType.VECTOR: pa.list_(pa.float32()),
}
_DIGITS = r"^[+-]?[0-9]+(\.[0-9]+)?$"
_LONGEST_DECIMAL128 = 38
_NARROW = {pa.float16(), pa.float32(), pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.null()}


def arrow_schema(columns: Mapping[str, Column]) -> pa.Schema:
    """Return the Arrow schema of the declared columns.

    Read columns may be wider: decimals with more digits, vectors with 64-bit elements.
    """
    return pa.schema([(name, _ARROW[column.type]) for name, column in columns.items()])


class Fault(NamedTuple):
    """Values of a column that could not be read, by a mask over the rows."""

    column: str
    reason: str
    rows: npt.NDArray[np.bool_]


class Conformed(NamedTuple):
    """Rows in the declared columns, with null for what could not be read."""

    table: pa.Table
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()


def conform(
    table: pa.Table,
    columns: Mapping[str, Column],
    *,
    timezone: str | None = None,
    optional: Collection[str] = (),
    is_text: bool = False,
    values: Mapping[str, str | None] = MappingProxyType({}),
) -> Conformed:
    """Convert the declared columns of a table to their types."""
    del is_text, values
    arrays = []
    faults = []
    for name, column in columns.items():
        if name not in table.column_names:
            arrays.append(pa.chunked_array([pa.nulls(table.num_rows, _ARROW[column.type])]))
            if name not in optional:
                faults.append(Fault(name, f"column {name!r} is missing", np.ones(table.num_rows, dtype=np.bool_)))
            continue
        found = table.column(name)
        try:
            flags = _read_classes(found, column.classes) if column.classes else found
            arrays.append(_convert(flags, column.type, timezone))
        except (ValueError, pa.ArrowNotImplementedError, TypeError):
            arrays.append(pa.chunked_array([pa.nulls(table.num_rows, _ARROW[column.type])]))
            is_bare = timezone is None and _has_bare_times(found, column)
            why = ": set predictions.timezone in the spec, such as UTC" if is_bare else ""
            faults.append(
                Fault(
                    name,
                    f"column {name!r} is {found.type}, which cannot be read as {column.type}{why}",
                    np.ones(table.num_rows, dtype=np.bool_),
                )
            )
    return Conformed(pa.table(arrays, names=list(columns)), tuple(faults))


def _has_bare_times(values: pa.ChunkedArray, column: Column) -> bool:
    is_moment = column.type is ColumnType.TIMESTAMP and pa.types.is_timestamp(values.type)
    return is_moment and values.type.tz is None


def undeclared(table: pa.Table, columns: Iterable[str]) -> list[str]:
    """List the columns of the file that the spec does not declare; they are left out."""
    return sorted(set(table.column_names) - set(columns))


def _convert(values: pa.ChunkedArray, kind: ColumnType, timezone: str | None) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(_ARROW[kind])
    return _CONVERSIONS[kind](values, timezone)


def _read_classes(values: pa.ChunkedArray, classes: tuple[str, str]) -> pa.ChunkedArray:
    """Read the text of false as false and that of true as true; other types than text stay."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        return values
    texts = pa.array(classes, values.type)
    if not pc.all(pc.or_(pc.is_null(values), pc.is_in(values, texts)), min_count=0).as_py():
        raise TypeError
    return pc.if_else(pc.is_null(values), None, pc.equal(values, texts[1]))


def _to_float(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)):
        raise TypeError
    if pa.types.is_decimal(values.type):
        # through text, because Arrow's own cast does not always give the nearest double
        values = values.cast(pa.string())
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


def _to_decimal(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _parse_decimals(values)
    if not pa.types.is_decimal(values.type):
        whole = (values if pa.types.is_integer(values.type) else _to_integer(values, None)).cast(pa.decimal128(20, 0))
        ends = pc.min_max(whole).as_py().values()
        return whole.cast(pa.decimal128(max(len(str(abs(end or 0))) for end in ends), 0))
    # Parquet has no scale below 0
    digits, scale = values.type.precision - min(values.type.scale, 0), max(values.type.scale, 0)
    return values.cast(_decimal(digits, scale))


def _parse_decimals(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pc.all(pc.match_substring_regex(values, _DIGITS), min_count=0).as_py():
        raise TypeError
    point = pc.find_substring(values, ".")
    length = pc.utf8_length(values)
    has_point = pc.greater_equal(point, 0)
    fraction = pc.max(pc.if_else(has_point, pc.subtract(pc.subtract(length, point), 1), 0)).as_py() or 0
    whole = pc.max(pc.if_else(has_point, point, length)).as_py() or 0
    return values.cast(_decimal(max(whole + fraction, 1), fraction))


def _decimal(digits: int, scale: int) -> pa.DataType:
    return pa.decimal128(digits, scale) if digits <= _LONGEST_DECIMAL128 else pa.decimal256(digits, scale)


def _to_vector(values: pa.ChunkedArray, _: str | None) -> pa.ChunkedArray:
    if not is_vector(values.type):
        raise TypeError
    return values.cast(pa.list_(pa.float32() if values.type.value_type in _NARROW else pa.float64()))


_CONVERSIONS = {
    ColumnType.FLOAT: _to_float,
    ColumnType.INTEGER: _to_integer,
    ColumnType.BOOLEAN: _to_boolean,
    ColumnType.STRING: _to_string,
    ColumnType.CATEGORY: _to_string,
    ColumnType.TIMESTAMP: _to_timestamp,
    ColumnType.DECIMAL: _to_decimal,
    ColumnType.VECTOR: _to_vector,
}
