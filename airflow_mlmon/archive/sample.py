"""Sampling of the Parquet files that a file, folder or glob names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import ConfigError, DataError, SchemaMismatchError
from airflow_mlmon.storage import ObjectStore, is_hidden

SAMPLE_ROWS = 50_000
SAMPLE_FILES = 20
_ENDINGS = (".parquet", ".pq")
_WILDCARD = re.compile(r"[*?\[]")


def find_files(store: ObjectStore, data: str) -> list[str]:
    """Find the Parquet files that `data` names: a file, a folder, or a glob.

    Raises:
        ConfigError: no file was found.
    """
    if data.endswith(_ENDINGS) and not _WILDCARD.search(data):
        return [data]
    # up to the first folder with a wildcard
    folder = data
    if found := _WILDCARD.search(data):
        folder = data[: found.start()].rpartition("/")[0] or "."
    uris = [item.uri for item in store.list(folder.rstrip("/") + "/")]
    if found:
        uris = [uri for uri in uris if fnmatchcase(uri, data) or fnmatchcase(uri, f"./{data}")]
    files = [uri for uri in uris if uri.endswith(_ENDINGS) and not is_hidden(uri)]
    if not files:
        raise ConfigError(f"No .parquet files found at {data}.", hint="name a Parquet file, a folder or a glob")
    return files


def read_sample(store: ObjectStore, files: Sequence[str], rows: int = SAMPLE_ROWS) -> pa.Table:
    """Read at most `rows` rows: the first rows of up to 20 files, spread over the list.

    Raises:
        DataError: a file is not a readable Parquet file.
        SchemaMismatchError: a column has incompatible types in two files.
    """
    step = max(1, -(-len(files) // SAMPLE_FILES))
    chosen = files[::step]
    tables: list[pa.Table] = []
    for uri in chosen:
        table = _head(store, uri, -(-rows // len(chosen)))
        tables = [*tables, table]
        _demand_one_schema(tables, uri)
    return pa.concat_tables(tables, promote_options="permissive")


def _head(store: ObjectStore, uri: str, rows: int) -> pa.Table:
    try:
        with store.local_copy(uri) as path, pq.ParquetFile(path, page_checksum_verification=True) as file:
            batch = next(file.iter_batches(batch_size=rows), None)
            return pa.Table.from_batches([] if batch is None else [batch], schema=file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{uri} is not a readable Parquet file.", uri=uri) from error


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
