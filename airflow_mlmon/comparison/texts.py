"""Texts of a data set, described by the columns derived from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.tables.piece import Piece


def describe_texts(pieces: Iterator[Piece], texts: Sequence[str]) -> Iterator[Piece]:
    """Yield the pieces with each of the texts replaced by the columns derived from it.

    Raises:
        SchemaMismatchError: a column does not hold texts.
    """
    # a comparison without texts is spared pydantic
    from airflow_mlmon.archive.curation.texts import derive_texts  # noqa: PLC0415
    from airflow_mlmon.spec.column import Column  # noqa: PLC0415

    declared = {name: Column(type=ColumnType.STRING, role=Role.TEXT) for name in texts}
    for piece in pieces:
        table = piece.table
        for name in set(texts) & set(table.column_names):
            table = table.set_column(table.column_names.index(name), name, _plain(table.column(name), name, piece))
        derived = derive_texts(table, declared)
        new = set(derived.column_names) - set(table.column_names)
        yield replace(piece, table=_encoded(derived, new) if piece.is_text else derived)


def _plain(column: pa.ChunkedArray, name: str, piece: Piece) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    ):
        raise SchemaMismatchError(
            f"Column {name!r} holds {column.type} in {piece.origin}, and no texts.", column=name, file=piece.origin
        )
    return column.cast(pa.string())


def _encoded(table: pa.Table, derived: set[str]) -> pa.Table:
    """Encode derived texts, so that they are not read as what was written in a CSV: the pattern 999 is no number."""
    for position, field in enumerate(table.schema):
        if field.name in derived and pa.types.is_string(field.type):
            table = table.set_column(position, field.name, table.column(position).dictionary_encode())
    return table
