"""Schema of a data set, inferred from its first rows; all other pieces must match it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import ColumnType
from airflow_mlmon.tables.contents import (
    PROFILED,
    Content,
    content_of_texts,
    content_of_type,
    is_integer_text,
    parse_texts,
)
from airflow_mlmon.tables.piece import Piece

_WRITTEN = {Content.NUMBER, Content.BOOLEAN, Content.TIME, Content.TIME_WITH_ZONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Column of a data set: its contents, and where they were first seen."""

    content: Content
    integer: bool
    type: str
    origin: str

    @property
    def is_profiled(self) -> bool:
        """Return whether such columns are profiled."""
        return self.content in PROFILED


Schema = Mapping[str, Field]
_NONE: Schema = MappingProxyType({})


def infer_schema(pieces: Sequence[Piece], *, known: Schema = _NONE, pinned: Schema = _NONE) -> dict[str, Field]:
    """Infer the columns of the pieces and of `known`, in the order in which they appear.

    Texts are interpreted only for columns that `pinned` lacks; the others have the pinned contents, or
    `conform_piece` rejects them.

    Raises:
        SchemaMismatchError: a column has different contents in two pieces, or ambiguous ones.
    """
    schema = dict(known)
    for piece in pieces:
        _refuse_doubtful(piece)
        for name in piece.table.column_names:
            found = pinned[name] if _is_written(piece, name) and name in pinned else _infer(piece, name)
            schema[name] = _agreed(name, schema.get(name), found)
    return schema


def to_types(schema: Schema) -> dict[str, ColumnType]:
    """Return the profiled columns, with their types as in a spec."""
    return {
        name: ColumnType.INTEGER if field.integer else PROFILED[field.content]
        for name, field in schema.items()
        if field.is_profiled
    }


def conform_piece(piece: Piece, schema: Schema) -> pa.Table:
    """Convert the profiled columns of a piece to the schema.

    Raises:
        SchemaMismatchError: a column has other contents; the message names column and file.
    """
    names = [name for name in piece.table.column_names if name in schema and schema[name].is_profiled]
    return pa.table({name: _conform(piece, name, schema[name]) for name in names}) if names else _rows_alone(piece)


def _rows_alone(piece: Piece) -> pa.Table:
    # a table without columns would have no rows
    return pa.table({"": pa.nulls(piece.table.num_rows)})


def _is_written(piece: Piece, name: str) -> bool:
    """Say whether a column holds values as written, whose type is to be inferred; derived columns have theirs."""
    is_written = piece.is_text or piece.times_are_texts
    return is_written and pa.types.is_string(piece.table.schema.field(name).type)


def _refuse_doubtful(piece: Piece) -> None:
    """Refuse names that occur twice, and texts that are no UTF-8: without a declaration nobody knows what they are."""
    if piece.repeated:
        name = piece.repeated[0]
        raise SchemaMismatchError(f"Column {name!r} occurs twice in {piece.origin}.", column=name, file=piece.origin)
    if piece.is_text or piece.times_are_texts:
        for field in piece.table.schema:
            if pa.types.is_binary(field.type):
                raise SchemaMismatchError(
                    f"{piece.origin} is not UTF-8 text (column {field.name!r}).", column=field.name, file=piece.origin
                )


def _infer(piece: Piece, name: str) -> Field:
    column = piece.table.column(name)
    if _is_written(piece, name):
        content = content_of_texts(column, name, piece.origin, times_alone=not piece.is_text)
        integer = content is Content.NUMBER and is_integer_text(column)
        return Field(content=content, integer=integer, type=content.value, origin=piece.origin)
    return Field(
        content=content_of_type(column.type),
        integer=pa.types.is_integer(column.type),
        type=str(column.type),
        origin=piece.origin,
    )


def _agreed(name: str, known: Field | None, found: Field) -> Field:
    if known is None or known.content is Content.NOTHING:
        return found
    if found.content is Content.NOTHING:
        return known
    if found.content is not known.content:
        raise _mismatch(name, known, found)
    return known if known.integer <= found.integer else found


def _conform(piece: Piece, name: str, field: Field) -> pa.ChunkedArray:
    column = piece.table.column(name)
    if _is_written(piece, name) and field.content in _WRITTEN:
        try:
            return parse_texts(column, field.content, integer=field.integer)
        except pa.ArrowInvalid as error:
            found = Field(content=Content.TEXT, integer=False, type="text", origin=piece.origin)
            raise _mismatch(name, field, found) from error
    if not _is_written(piece, name):
        _agreed(name, field, _infer(piece, name))
    return column.cast(pa.string()) if _needs_plain_text(column.type, field) else column


def _needs_plain_text(kind: pa.DataType, field: Field) -> bool:
    return pa.types.is_string_view(kind) or (field.content is Content.NOTHING and not pa.types.is_null(kind))


def _mismatch(name: str, known: Field, found: Field) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"Column {name!r} holds {known.content} in {known.origin} ({known.type}) "
        f"but {found.content} in {found.origin} ({found.type}).",
        hint="write both files with the same type",
        column=name,
        file=found.origin,
    )
