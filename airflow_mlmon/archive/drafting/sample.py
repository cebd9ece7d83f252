"""Sampling of the files that a path, a folder or a glob names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.drafting.captured import find_sample_marks
from airflow_mlmon.archive.drafting.plain import find_null_words, to_plain, without_words
from airflow_mlmon.archive.layouts.delta_table import find_table_files
from airflow_mlmon.capture.marks import Marks
from airflow_mlmon.errors import ConfigError, NotFoundError, SchemaMismatchError
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.files import read_file
from airflow_mlmon.tables.piece import Piece, repeated_names
from airflow_mlmon.tables.reading import Reading

SAMPLE_ROWS = 50_000
SAMPLE_FILES = 20


def find_samples(storage: Storage, data: str) -> list[str]:
    """Find the data files that `data` names: a file, a folder, or a glob.

    Raises:
        ConfigError: no file was found.
    """
    try:
        return find_table_files(data, storage)
    except NotFoundError as error:
        raise ConfigError(error.message, hint=f"name a file, a folder or a glob; {error.hint}") from error


class FirstRows(NamedTuple):
    """First rows of a data set.

    Attributes:
        table: The rows, each column of the type of its values.
        repeated: Names that occur twice in a file.
        null: Words that stand for a missing value, in a text file.
        marks: What capture says of a file; None if none is captured.
    """

    table: pa.Table
    repeated: tuple[str, ...] = ()
    null: tuple[str, ...] = ()
    marks: Marks | None = None


def read_sample(storage: Storage, files: Sequence[str], rows: int = SAMPLE_ROWS) -> FirstRows:
    """Read at most `rows` rows: the first rows of up to 20 files, spread over the list.

    Raises:
        DataError: a file cannot be read.
        SchemaMismatchError: a column has incompatible types in two files.
    """
    step = max(1, -(-len(files) // SAMPLE_FILES))
    chosen = files[::step]
    tables: list[pa.Table] = []
    repeated: set[str] = set()
    is_text, marks = True, None
    for uri in chosen:
        for piece in _read_head(uri, storage, -(-rows // len(chosen))):
            names = piece.table.column_names
            if marks is None:
                marks = find_sample_marks(storage, uri, piece)
            repeated.update(piece.repeated, repeated_names(names))
            tables = [*tables, piece.table.select([name for name in names if names.count(name) == 1])]
            is_text = is_text and piece.is_text
            _demand_one_schema(tables, uri)
    table = pa.concat_tables(tables, promote_options="permissive")
    kept = table.select([name for name in table.column_names if name not in repeated])
    null = find_null_words(kept) if is_text else ()
    plain = to_plain(without_words(kept, null), texts_as_written=is_text)
    return FirstRows(plain, tuple(sorted(repeated)), null, marks)


def _read_head(uri: str, storage: Storage, rows: int) -> Iterator[Piece]:
    for piece in read_file(uri, storage, Reading()):
        yield replace(piece, table=piece.table.slice(0, rows))
        rows -= piece.rows
        if rows <= 0:
            return


def _demand_one_schema(tables: Sequence[pa.Table], uri: str) -> None:
    types: dict[str, pa.DataType] = {}
    for table in tables:
        for field in table.schema:
            try:
                pa.unify_schemas(
                    [pa.schema([(field.name, types.get(field.name, field.type))]), pa.schema([field])],
                    promote_options="permissive",
                )
            except pa.ArrowException as error:
                raise SchemaMismatchError(
                    f"{uri}: column {field.name!r} is {field.type}, other files have {types[field.name]}.",
                    column=field.name,
                ) from error
            types[field.name] = field.type
