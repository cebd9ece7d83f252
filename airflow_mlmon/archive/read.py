"""Reading of the files of a folder, one by one from a frozen list."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.manifest import SourceFile
from airflow_mlmon.errors import (
    DataError,
    NotFoundError,
    PartitionConflictError,
    UnreadableFileError,
)
from airflow_mlmon.spec import Column
from airflow_mlmon.storage import ObjectStore, StoredObject, is_hidden
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import arrow_schema, conform

_AS_RECOGNISED = Reading()


class _Conversion(NamedTuple):
    """Settings of the readers, zone of times without one, and the columns that a file may lack."""

    reading: Reading

    timezone: str | None
    optional: Collection[str]


def format_day_folder(path: str, day: date) -> str:
    """Return the folder of one day, ending in a slash, so that dt=2013-03-1 does not match dt=2013-03-10.

    >>> format_day_folder("s3://b/dt={date}", date(2013, 3, 8))
    's3://b/dt=2013-03-08/'
    """
    folder = path.format(date=day.isoformat(), year=f"{day:%Y}", month=f"{day:%m}", day=f"{day:%d}")
    return folder.rstrip("/") + "/"


def list_files(store: ObjectStore, folder: str) -> list[StoredObject]:
    """List the data files of a folder, without markers and hidden files."""
    return [item for item in store.list(folder) if not is_hidden(item.uri)]


def read_files(
    store: ObjectStore,
    listed: list[StoredObject],
    columns: Mapping[str, Column],
    *,
    timezone: str | None,
    optional: Collection[str] = (),
    reading: Reading = _AS_RECOGNISED,
) -> tuple[pa.Table, list[SourceFile]]:
    """Read the rows of all files that match the schema, and account for every file.

    A file that cannot be read or has a schema mismatch is rejected as a whole, with the problem in its account; the
    others are accepted. An `optional` column may be absent.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    schema = arrow_schema(columns)
    tables = [schema.empty_table()]
    files = []
    for item in listed:
        file, table = _read_file(store, item, columns, _Conversion(reading, timezone, optional))
        if table is not None and (problem := _clash(schema, table.schema)):
            file, table = replace(file, problem=problem), None
        files.append(file)
        if table is not None:
            tables.append(table)
            schema = _common(schema, table.schema)
    return pa.concat_tables(tables, promote_options="permissive"), files


def _common(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    """Unify two schemas: decimals with the digits of both, the longer elements of vectors."""
    return pa.unify_schemas([first, second], promote_options="permissive")


def _clash(known: pa.Schema, found: pa.Schema) -> str:
    """Explain why a file's schema conflicts with the files before it; empty if it does not."""
    try:
        _common(known, found)
    except pa.ArrowException:
        pairs = [(field.name, known.field(field.name).type, field.type) for field in found]
        named = [f"column {name!r} is {own}, earlier files have {other}" for name, other, own in pairs if own != other]
        return f"{'; '.join(named)}: together they exceed the digits of a decimal"
    return ""


def _read_file(
    store: ObjectStore, item: StoredObject, columns: Mapping[str, Column], conversion: _Conversion
) -> tuple[SourceFile, pa.Table | None]:
    try:
        with store.local_copy(item.uri, etag=item.etag) as path:
            with path.open("rb") as content:
                checksum = hashlib.file_digest(content, "sha256").hexdigest()
            file = SourceFile(uri=item.uri, size=item.size, sha256=checksum, rows=None)
            if path.stat().st_size != item.size:
                return replace(
                    file, problem=f"only {path.stat().st_size} of {item.size} listed bytes could be read"
                ), None
            return _parse_file(path, file, columns, conversion)
    except NotFoundError as error:
        raise PartitionConflictError(
            f"{item.uri} was deleted after it was listed.", hint="rerun the partition"
        ) from error


def _parse_file(
    path: Path, file: SourceFile, columns: Mapping[str, Column], conversion: _Conversion
) -> tuple[SourceFile, pa.Table | None]:
    names: set[str] = set()
    tables = [arrow_schema(columns).empty_table()]
    rows, problem = 0, ""
    try:
        for piece in read_path(path, file.uri, replace(conversion.reading, columns=columns)):
            names |= {*piece.table.column_names, *piece.repeated}
            rows += piece.rows
            problem = problem or _add_rows(tables, piece, columns, conversion)
    except UnreadableFileError as error:
        return replace(file, problem=error.problem), None
    except DataError as error:
        return replace(file, problem=error.message), None
    file = replace(file, rows=rows, undeclared=tuple(sorted(names - set(columns))), problem=problem)
    return file, None if problem else pa.concat_tables(tables, promote_options="permissive")


def _add_rows(tables: list[pa.Table], piece: Piece, columns: Mapping[str, Column], conversion: _Conversion) -> str:
    """Add the rows of a piece as declared; return the problem of its columns, empty if there is none."""
    if repeated := [name for name in piece.repeated if name in columns]:
        return f"column {repeated[0]!r} occurs twice"
    if piece.rows:
        typed = conform(
            piece.table,
            columns,
            timezone=conversion.timezone,
            optional=conversion.optional,
            is_text=piece.is_text,
        )
        if typed.faults:
            return typed.faults[0].reason
        tables.append(typed.table)
    return ""
