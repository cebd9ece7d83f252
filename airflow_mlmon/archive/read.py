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
from airflow_mlmon.tables.schema import arrow_schema, conform, undeclared

ENDINGS = (".parquet", ".pq")


class _Conversion(NamedTuple):
    """Zone of times without one, and the columns that a file may lack."""

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
        file, table = _read_file(store, item, columns, _Conversion(timezone=timezone, optional=optional))
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
    if not file.uri.endswith(ENDINGS):
        return replace(file, problem="not a .parquet file"), None
    try:
        table = pa.concat_tables(piece.table for piece in read_path(path, file.uri))
    except UnreadableFileError as error:
        return replace(file, problem=error.problem), None
    except DataError as error:
        return replace(file, problem=error.message), None
    file = replace(file, rows=table.num_rows, undeclared=tuple(undeclared(table, columns)))
    typed = conform(table, columns, timezone=conversion.timezone, optional=conversion.optional)
    if typed.faults:
        return replace(file, problem=typed.faults[0].reason), None
    return file, typed.table
