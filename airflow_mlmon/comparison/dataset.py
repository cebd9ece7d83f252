"""Profiles of data sets, files or data frames, whose rows are read in pieces.

Local Parquet files are streamed by the engine itself, column by column in threads, unless a sample of their rows is
needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.layouts.delta_table import find_table_files
from airflow_mlmon.comparison.sample import RowSample
from airflow_mlmon.comparison.texts import describe_texts
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.profiles.engine.local import pin_and_profile_parquet, profile_parquet, profile_table
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.choices import MAX_DIMENSION, ColumnType
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.contents import is_vector
from airflow_mlmon.tables.files import is_local_parquet, open_files, read_file
from airflow_mlmon.tables.frames import Frame, read_frame
from airflow_mlmon.tables.inference import Schema, conform_piece, infer_schema, to_types
from airflow_mlmon.tables.parquet import read_parquet
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading

PINNED_ROWS = 200_000
# vectors are long
_PINNED_BYTES = 1 << 28
_SAME_LENGTH = 0.9


Source = str | PathLike[str] | Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Profile of a data set with its profile contents and the contents of its columns.

    Attributes:
        name: Its name on pages.
        files: The files that were read; none for a data frame.
        contents: All its columns, also those that are not profiled.
        schema: The profile contents.
        profile: The profile.
        sample: A sample of the rows, if the method needs rows.
        texts: Columns that are described as texts.
    """

    name: str
    files: tuple[str, ...]
    contents: Schema
    schema: ProfileSchema
    profile: Profile
    sample: pa.Table | None = field(default=None, repr=False)
    texts: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """Render the columns as a table, for notebooks."""
        from airflow_mlmon.comparison.notebook import dataset_table  # noqa: PLC0415 - imports the templates

        return dataset_table(self)


def read_dataset(
    source: Source,
    *,
    name: str,
    like: Dataset | None = None,
    null_texts: Sequence[str] = (),
    has_sample: bool = False,
    texts: Sequence[str] = (),
) -> Dataset:
    """Profile a source under its own profile contents, or under that of the data set it is compared with.

    Its own contents is pinned from the first 200,000 rows, or fewer if they exceed 256 MB. Columns that are `texts`, or
    were of the data set it is compared with, are replaced by what is derived from them.

    Raises:
        DataError: a file is damaged, or a column has mixed types; the message names both.
        ConfigError: the source is neither a path nor a data frame.
        NotFoundError: the file does not exist.
    """
    storage = Storage(_default_client, azure_options=lambda _: {}, gcs_options=lambda _: {})
    files = find_table_files(fspath(source), storage) if isinstance(source, str | PathLike) else []
    texts = tuple(texts) if like is None else like.texts
    if files and not has_sample and not texts and all(map(is_local_parquet, files)):
        pieces = open_files(files)
    else:
        pieces = _read(source, name, files, storage, null_texts)
    if texts:
        pieces = describe_texts(pieces, texts)
    start = _pin(name, pieces) if like is None else _Start.like(like, pieces)
    pinned, schema, profile = start.pinned, start.schema, start.profile
    contents = infer_schema(start.profiled, pinned=pinned)
    sample = RowSample()
    streamed: list[Path] = []
    for piece in start.pieces:
        contents = infer_schema([piece], known=contents, pinned=pinned)
        if piece.unread and _is_as_pinned(piece, pinned):
            streamed.append(piece.unread)
            continue
        for part in _parts(piece):
            rows = conform_piece(part, pinned)
            profile += profile_table(rows, schema)
            if has_sample:
                sample.add(_without_vectors(rows))
    return Dataset(
        name=fspath(source) if isinstance(source, str | PathLike) else name,
        files=tuple(files),
        contents=contents,
        schema=schema,
        profile=profile + profile_parquet(streamed, schema) if streamed else profile,
        sample=sample.table() if has_sample else None,
        texts=texts,
    )


def read_rows_of(
    source: Source, known: Dataset, names: Sequence[str], null_texts: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yield the rows of a source that was profiled before, with some of its profiled columns, in pieces."""
    storage = Storage(_default_client, azure_options=lambda _: {}, gcs_options=lambda _: {})
    files = find_table_files(fspath(source), storage) if isinstance(source, str | PathLike) else []
    for piece in _read(source, known.name, files, storage, null_texts):
        if piece.rows:
            yield conform_piece(replace(piece, table=piece.table.select(names)), known.contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """State at the start of reading.

    Attributes:
        pinned: The content of each column.
        schema: The profile contents.
        profile: The profile of the pieces profiled so far.
        profiled: These pieces.
        pieces: The other pieces.
    """

    pinned: Schema
    schema: ProfileSchema
    profile: Profile
    profiled: Sequence[Piece] = ()
    pieces: Iterator[Piece]

    @classmethod
    def like(cls, known: Dataset, pieces: Iterator[Piece]) -> Self:
        """Return a start under the profile schema of another data set."""
        return cls(pinned=known.contents, schema=known.schema, profile=Profile.empty(known.schema), pieces=pieces)


def _default_client(_: str | None) -> Any:
    from airflow_mlmon.storage.s3 import create_default_client  # noqa: PLC0415 - botocore is needed for S3 only

    return create_default_client()


def _read(
    source: Source, name: str, files: Sequence[str], storage: Storage, null_texts: Sequence[str]
) -> Iterator[Piece]:
    if isinstance(source, str | PathLike):
        reading = Reading(null_texts=tuple(null_texts), nested=True)
        return chain.from_iterable(read_file(file, storage, reading) for file in files)
    if isinstance(source, Frame):
        return read_frame(source, name)
    raise ConfigError(
        f"The {name} is a {type(source).__name__}; a path or a data frame is expected.",
        hint="give a path, or a data frame of pandas, polars or Arrow",
    )


def _pin(name: str, pieces: Iterator[Piece]) -> _Start:
    """Pin the profile contents from the first rows; files that the engine can read itself are profiled at once."""
    head = _take(pieces, PINNED_ROWS)
    pinned = infer_schema(head)
    types = to_types(pinned)
    files = [piece.unread for piece in head if piece.unread and _is_as_pinned(piece, pinned)]
    if files and len(files) == len(head) and ColumnType.VECTOR not in types.values():
        schema, profile = pin_and_profile_parquet(name, types, files, rows=PINNED_ROWS)
        return _Start(pinned=pinned, schema=schema, profile=profile, profiled=head, pieces=pieces)
    parts = _take(chain.from_iterable(map(_parts, head)), PINNED_ROWS)
    tables = [conform_piece(part, pinned) for part in parts] or [conform_piece(piece, pinned) for piece in head]
    rows = pa.concat_tables(tables, promote_options="permissive").slice(0, PINNED_ROWS)
    dimensions = {name: found for name in rows.column_names if (found := _dimension(rows.column(name)))}
    types = {name: kind for name, kind in types.items() if kind is not ColumnType.VECTOR or name in dimensions}
    schema = pin_columns(name, types, rows, dimensions)
    return _Start(pinned=pinned, schema=schema, profile=Profile.empty(schema), pieces=chain(head, pieces))


def _dimension(column: pa.ChunkedArray) -> int | None:
    """Return the length of nearly all lists of a column; None if they are no vectors."""
    if not is_vector(column.type):
        return None
    counted = pc.value_counts(pc.list_value_length(column).drop_null()).to_pylist()
    lists = sum(entry["counts"] for entry in counted)
    frequent = [entry["values"] for entry in counted if entry["counts"] >= _SAME_LENGTH * lists]
    return frequent[0] if frequent and 0 < frequent[0] <= MAX_DIMENSION else None


def _is_as_pinned(piece: Piece, pinned: Schema) -> bool:
    """Return True if no column must be cast before profiling, so that the engine can read the file itself."""
    asked = conform_piece(piece, pinned).schema
    types = dict(zip(piece.table.column_names, piece.table.schema.types, strict=True))
    return all(types.get(name, kind) == kind for name, kind in zip(asked.names, asked.types, strict=True))


def _parts(piece: Piece) -> Iterator[Piece]:
    """Yield the rows of a piece, which may not have been read yet."""
    parts = read_parquet(piece.unread, piece.origin, Reading(nested=True)) if piece.unread else iter((piece,))
    return (part for part in parts if part.rows)


def _without_vectors(rows: pa.Table) -> pa.Table:
    return rows.select([field.name for field in rows.schema if not is_vector(field.type)])


def _take(pieces: Iterator[Piece], rows: int) -> list[Piece]:
    taken: list[Piece] = []
    size = 0
    while rows > 0 and size < _PINNED_BYTES and (piece := next(pieces, None)) is not None:
        taken.append(piece)
        rows -= piece.rows
        size += piece.table.nbytes
    return taken
