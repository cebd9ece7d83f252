"""Sampling of the files that a path, a folder or a glob names."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from airflow_mlmon.errors import ConfigError, NotFoundError, SchemaMismatchError
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.files import find_files, read_head

SAMPLE_ROWS = 50_000
SAMPLE_FILES = 20


def find_samples(storage: Storage, data: str) -> list[str]:
    """Find the data files that `data` names: a file, a folder, or a glob.

    Raises:
        ConfigError: no file was found.
    """
    try:
        return find_files(data, storage)
    except NotFoundError as error:
        raise ConfigError(error.message, hint="name a file, a folder or a glob") from error


def read_sample(storage: Storage, files: Sequence[str], rows: int = SAMPLE_ROWS) -> pa.Table:
    """Read at most `rows` rows: the first rows of up to 20 files, spread over the list.

    Raises:
        DataError: a file cannot be read.
        SchemaMismatchError: a column has incompatible types in two files.
    """
    step = max(1, -(-len(files) // SAMPLE_FILES))
    chosen = files[::step]
    tables: list[pa.Table] = []
    for uri in chosen:
        table = read_head(uri, storage, -(-rows // len(chosen)))
        tables = [*tables, table]
        _demand_one_schema(tables, uri)
    return pa.concat_tables(tables, promote_options="permissive")


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
