"""Conversion of the columns of a file to their declared types."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.contents import is_index
from airflow_mlmon.tables.conversion.converted import (
    Converted,
    Mask,
    Refusal,
    Request,
    UnreadableTypeError,
    is_binary_type,
    is_text_type,
)
from airflow_mlmon.tables.conversion.flags import convert_to_boolean
from airflow_mlmon.tables.conversion.numbers import (
    convert_to_decimal,
    convert_to_float,
    convert_to_integer,
    convert_to_vector,
)
from airflow_mlmon.tables.conversion.texts import check_texts, convert_to_text
from airflow_mlmon.tables.conversion.times import convert_to_time

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
_CONVERSIONS: Mapping[ColumnType, Callable[[pa.ChunkedArray, Request], Converted]] = {
    ColumnType.FLOAT: convert_to_float,
    ColumnType.INTEGER: convert_to_integer,
    ColumnType.BOOLEAN: convert_to_boolean,
    ColumnType.STRING: convert_to_text,
    ColumnType.CATEGORY: convert_to_text,
    ColumnType.TIMESTAMP: convert_to_time,
    ColumnType.DECIMAL: convert_to_decimal,
    ColumnType.VECTOR: convert_to_vector,
}
_TEXTS = (ColumnType.STRING, ColumnType.CATEGORY)


class Fault(NamedTuple):
    """Rows in which a column is null because its value could not be read, with the reason."""

    column: str
    reason: str
    rows: Mask


class Conformed(NamedTuple):
    """Declared columns of a file, what could not be read of them, and how values were understood."""

    table: pa.Table
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()


def arrow_schema(columns: Mapping[str, Column]) -> pa.Schema:
    """Return the Arrow schema of the declared columns.

    Read columns may be wider: decimals with more digits, vectors with 64-bit elements.
    """
    return pa.schema([(name, _ARROW[column.type]) for name, column in columns.items()])


def conform(
    table: pa.Table,
    columns: Mapping[str, Column],
    *,
    timezone: str | None = None,
    optional: Collection[str] = (),
    is_text: bool = False,
    values: Mapping[str, str | None] | None = None,
    repeated: Collection[str] = (),
    beside: Collection[str] = (),
) -> Conformed:
    """Convert the declared columns of `table` to their declared order and types, value by value.

    What loses nothing is converted: whole floats and decimals, and texts of them, to integers and codes, 0/1 and
    yes/no to booleans, bytes to text. A value that would lose something is null, with a fault; a column that is missing
    or of a type that cannot be read costs that column only. Reasons depend on the value and the declaration alone, so
    that rows may be converted in any pieces.

    Args:
        table: Rows of one file, or some of them.
        columns: Declared columns.
        timezone: Zone of times that have none.
        optional: Columns that may be absent.
        is_text: Whether all values are texts as written, as in CSV; blanks around numbers are then no part of them.
        values: Values that the path of the file gives for columns that it lacks, as texts.
        repeated: Columns that the file has several times, and that its reader therefore left out.
        beside: Other columns of the file, which were not read; they are named where a missing one may be meant.
    """
    done: dict[str, Converted] = {}
    for name, column in columns.items():
        own, request = _Source(table, values or {}, repeated, beside, is_text=is_text), Request(column, timezone)
        done[name] = own.read_optional(name, request) if name in optional else own.read(name, request)
    faults = [Fault(name, reason, rows) for name, own in done.items() for reason, rows in own.reasons.items()]
    return Conformed(
        pa.table([own.values for own in done.values()], names=list(columns)),
        tuple(faults),
        tuple(note for own in done.values() for note in own.notes),
    )


def undeclared(table: pa.Table, columns: Iterable[str]) -> list[str]:
    """List the columns of the file that the spec does not declare; they are left out, and row numbers passed over."""
    return sorted(name for name in set(table.column_names) - set(columns) if not is_index(name))


class _Source(NamedTuple):
    """Rows of a file, and the values that its path gives."""

    table: pa.Table
    given: Mapping[str, str | None]
    repeated: Collection[str]
    beside: Collection[str]
    is_text: bool

    def read_optional(self, name: str, request: Request) -> Converted:
        """Read a column that may be absent."""
        if name in self.table.column_names or name in self.given or name in self.repeated:
            return self.read(name, request)
        return Converted(self._nothing(request.column))

    def read(self, name: str, request: Request) -> Converted:
        """Read a column of the file, or the value that its path gives."""
        places = self.table.schema.get_all_field_indices(name)
        if len(places) > 1 or name in self.repeated:
            return self._refuse(f"column {name!r} occurs twice", request.column)
        if not places and name not in self.given:
            return self._refuse(f"column {name!r} is missing{self._near(name)}", request.column)
        if not places:
            value = pa.repeat(pa.scalar(self.given[name], pa.string()), self.table.num_rows)
            return self._convert(name, pa.chunked_array([value]), request)
        found = self.table.column(places[0])
        read = self._convert(name, strip_blanks(found) if self._is_stripped(found, request) else found, request)
        return self._compare(name, read, request) if name in self.given else read

    def _is_stripped(self, found: pa.ChunkedArray, request: Request) -> bool:
        is_word = request.column.type in _TEXTS or request.column.classes is not None
        return self.is_text and not is_word and is_text_type(found.type)

    def _convert(self, name: str, values: pa.ChunkedArray, request: Request) -> Converted:
        kind = request.column.type
        try:
            read = convert(values, request)
        except UnreadableTypeError as error:
            return self._refuse(
                f"column {name!r} is {values.type}, which cannot be read as {kind}{error}", request.column
            )
        return read._replace(
            refused=tuple(Refusal(f"{name} {reason}", rows) for reason, rows in read.refused),
            notes=tuple(f"column {name!r} {note}" for note in read.notes),
        )

    def _compare(self, name: str, read: Converted, request: Request) -> Converted:
        """Note if the path of the file gives another value than its rows, which count."""
        path = convert(pa.chunked_array([pa.array([self.given[name]], pa.string())]), request).values[0]
        differs = pc.any(pc.not_equal(read.values, path), min_count=0).as_py() if path.is_valid else len(read.values)
        note = f"column {name!r} is in the file and, as {self.given[name]!r}, in its path: the file's values count"
        return read._replace(notes=(*read.notes, note)) if differs else read

    def _refuse(self, reason: str, column: Column) -> Converted:
        every = np.ones(self.table.num_rows, dtype=bool)
        return Converted(self._nothing(column), (Refusal(reason, every),) if len(every) else ())

    def _nothing(self, column: Column) -> pa.ChunkedArray:
        return pa.chunked_array([pa.nulls(self.table.num_rows, _ARROW[column.type])])

    def _near(self, name: str) -> str:
        """Name the columns that differ from it in case or punctuation alone; they are never taken for it."""
        others = {*self.table.column_names, *self.beside}
        near = [f"{own!r}" for own in others if _fold(own) == _fold(name)]
        return f": the file has {' and '.join(sorted(near))}" if near else ""


def convert(values: pa.ChunkedArray, request: Request) -> Converted:
    """Convert the values of one column.

    Raises:
        UnreadableTypeError: no value of this type can be read as declared.
    """
    values, kind = _to_plain(values), request.column.type
    if pa.types.is_null(values.type):
        return Converted(values.cast(_ARROW[kind]))
    # other texts are parsed, and the parser must not see bytes that are none
    is_parsed = kind not in _TEXTS and (is_binary_type(values.type) or is_text_type(values.type))
    texts = check_texts(values) if is_parsed else Converted(values)
    return texts.then(lambda own: _CONVERSIONS[kind](own, request))


def _to_plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values without what only describes how they are stored."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _to_plain(pa.chunked_array([chunk.storage for chunk in values.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _to_plain(values.cast(kind.value_type))
    if pa.types.is_decimal(kind) and kind.bit_width < pa.decimal128(1).bit_width:
        return values.cast(pa.decimal128(kind.precision, kind.scale))
    return values


def strip_blanks(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the texts without the blanks around them."""
    return pc.ascii_trim_whitespace(texts)


def _fold(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()
