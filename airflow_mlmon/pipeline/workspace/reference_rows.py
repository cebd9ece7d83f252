"""Reading of the reference's rows: curated, without personal data, in total or file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from airflow_mlmon.archive.curate import curate
from airflow_mlmon.archive.labels import is_excluded, join_outputs, label_column
from airflow_mlmon.archive.personal import protect
from airflow_mlmon.archive.read import list_files, read_files
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import Column, ColumnType, ModelSpec, Role
from airflow_mlmon.storage import ObjectStore, StoredObject
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import arrow_schema

Checksums = dict[str, str]
# columns that the reference may lack: training data knows no requests, and attributions are seldom kept of it
_OPTIONAL = (Role.OPERATIONAL, Role.ATTRIBUTION)


class ReferenceRows(NamedTuple):
    """Rows of the reference, the checksums of its files, and its rows with an error status."""

    rows: pa.Table
    files: Checksums
    errors: pa.Table


def read_reference(run: Run) -> ReferenceRows:
    """Read all rows of the reference, and the checksums of its files.

    Raises:
        ConfigError: a file does not match the spec, or there are no rows.
    """
    store, listed = _list(run)
    found = _read(run, store, listed)
    if not found.rows.num_rows:
        raise ConfigError(
            f"The reference of {run.model} has no rows ({run.spec.reference.path}).",
            hint="correct reference.path in the spec",
        )
    return found


def stream_reference(run: Run) -> Iterator[ReferenceRows]:
    """Yield the rows of the reference file by file.

    An id that occurs in two files is in both; `read_reference` keeps the first.

    Raises:
        ConfigError: a file does not match the spec.
    """
    store, listed = _list(run)
    for item in listed:
        yield _read(run, store, [item])


def join_reference_labels(run: Run, rows: pa.Table) -> pa.Table | None:
    """Join the labels to the rows of the reference; None if they have no labels."""
    reference, labels = run.spec.reference, run.spec.labels
    if labels is None or reference.label is None:
        return None
    excluded = is_excluded(rows, reference.outcome, labels.excluded)
    return join_outputs(rows, rows.column(reference.label), excluded, run.spec)


def _list(run: Run) -> tuple[ObjectStore, list[StoredObject]]:
    reference = run.spec.reference
    store = run.storage.at(reference.path, reference.connection or run.spec.predictions.connection)
    return store, list_files(store, reference.path.rstrip("/") + "/")


def _read(run: Run, store: ObjectStore, listed: Sequence[StoredObject]) -> ReferenceRows:
    spec, reference = run.spec, run.spec.reference
    unknown = () if reference.dated else (spec.id_column, spec.time_column)
    columns = {name: column for name, column in spec.predictions.columns.items() if name not in unknown}
    if reference.label:
        columns[reference.label] = label_column(spec)
    if reference.outcome:
        columns[reference.outcome] = Column(type=ColumnType.CATEGORY)
    optional = [name for role in _OPTIONAL for name in spec.columns_of(role)]
    table, files = read_files(
        store,
        list(listed),
        columns,
        timezone=spec.predictions.timezone,
        optional=optional,
        reading=Reading.of(reference),
    )
    if problems := [f"{file.uri}: {file.problem}" for file in files if file.problem]:
        raise ConfigError(
            f"The reference of {run.model} does not match the spec: {'; '.join(problems)}.",
            hint="if the data has no ids or event times, set `dated: false` under reference" if not unknown else "",
        )
    if unknown:
        table = _numbered(table, spec)
    curated = curate(table, spec, None)
    rows, errors = (protect(part, spec, run.hash_key) for part in (curated.rows, curated.errors))
    return ReferenceRows(rows=rows, files={file.uri: file.sha256 for file in files}, errors=errors)


def _numbered(table: pa.Table, spec: ModelSpec) -> pa.Table:
    """Return the rows with their numbers as ids, and without times."""
    own = arrow_schema({name: spec.columns[name] for name in (spec.id_column, spec.time_column)})
    ids = pa.array(np.arange(table.num_rows)).cast(own.field(spec.id_column).type)
    table = table.append_column(own.field(spec.id_column), ids)
    return table.append_column(own.field(spec.time_column), pa.nulls(len(ids), own.field(spec.time_column).type))
