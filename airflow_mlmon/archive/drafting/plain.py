"""Columns of a sample by what they mean, however they are written."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.contents import NULL_WORDS, Content, content_of_texts, is_index, is_integer_text, parse_texts
from airflow_mlmon.tables.conversion.converted import Request, UnreadableTypeError, is_binary_type, is_text_type
from airflow_mlmon.tables.schema import convert

_TEXT = Request(Column(type=ColumnType.STRING), None)
_WHOLE = Request(Column(type=ColumnType.INTEGER), None)


def to_plain(table: pa.Table, *, texts_as_written: bool) -> pa.Table:
    """Return the columns without the index of a frame, each of the type of its values.

    Views, bytes and identifiers are texts, whole decimals integers, and texts of times are times; with
    `texts_as_written`, as in CSV, texts of numbers and flags are numbers and flags too.
    """
    names = [name for name in table.column_names if not is_index(name)]
    columns = [_to_plain(table.column(name), name, texts_as_written=texts_as_written) for name in names]
    return pa.table(columns, names=names) if names else table.select([])


def _to_plain(values: pa.ChunkedArray, name: str, *, texts_as_written: bool) -> pa.ChunkedArray:
    values = _stored(values)
    kind = values.type
    if pa.types.is_decimal(kind):
        found = convert(values, _WHOLE)
        # ids of more digits than an integer has
        found = found if not found.refused or kind.scale else convert(values, _TEXT)
        return values if found.refused else found.values
    if is_binary_type(kind) or is_text_type(kind) or pa.types.is_fixed_size_binary(kind):
        try:
            return _from_texts(convert(values, _TEXT).values, name, texts_as_written=texts_as_written)
        except UnreadableTypeError:
            return values
    return values


def _stored(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _stored(pa.chunked_array([chunk.storage for chunk in values.chunks], kind.storage_type))
    return _stored(values.cast(kind.value_type)) if pa.types.is_dictionary(kind) else values


def find_null_words(table: pa.Table) -> tuple[str, ...]:
    """Return the words, such as NA, that stand for a missing value among the numbers of a column of texts."""
    found: set[str] = set()
    for name in table.column_names:
        texts = table.column(name)
        if pa.types.is_string(texts.type):
            try:
                content_of_texts(texts, name, "the sample")
            except SchemaMismatchError:
                found.update(word for word in pc.unique(texts).to_pylist() if _is_null_word(word))
    return tuple(sorted(found))


def without_words(table: pa.Table, words: Sequence[str]) -> pa.Table:
    """Return the columns of texts without the words that stand for a missing value."""
    for position, name in enumerate(table.column_names):
        texts = table.column(name)
        if words and pa.types.is_string(texts.type):
            kept = pc.if_else(pc.is_in(texts, pa.array(words)), None, texts)
            table = table.set_column(position, name, kept)
    return table


def _is_null_word(word: str | None) -> bool:
    return word is not None and word.strip().lower() in NULL_WORDS


def _from_texts(texts: pa.ChunkedArray, name: str, *, texts_as_written: bool) -> pa.ChunkedArray:
    content = content_of_texts(texts, name, "the sample", times_alone=not texts_as_written)
    if content is Content.DATE:
        return texts.cast(pa.date32())
    if content is Content.NOTHING:
        return texts
    return parse_texts(texts, content, integer=content is Content.NUMBER and is_integer_text(texts))
