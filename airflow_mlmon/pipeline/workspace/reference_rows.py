"""Reading of the reference's rows: curated, without personal data, in total or file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.intake import take_in
from airflow_mlmon.archive.labels import is_excluded, join_outputs, label_column
from airflow_mlmon.archive.layout import ListedFile, list_below
from airflow_mlmon.archive.manifest import SourceFile
from airflow_mlmon.archive.read import ListedSource
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import read_local
from airflow_mlmon.spec import Column, ColumnType, Role
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tables.reading import Reading

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
    store, files = _list(run)
    found = _read(run, store, files)
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
    store, files = _list(run)
    for item in files:
        yield _read(run, store, [item])


def join_reference_labels(run: Run, rows: pa.Table) -> pa.Table | None:
    """Join the labels to the rows of the reference; None if they have no labels."""
    reference, labels = run.spec.reference, run.spec.labels
    if labels is None or reference.label is None:
        return None
    excluded = is_excluded(rows, reference.outcome, labels.excluded)
    return join_outputs(rows, rows.column(reference.label), excluded, run.spec)


def _list(run: Run) -> tuple[ObjectStore, tuple[ListedFile, ...]]:
    reference = run.spec.reference
    store = run.storage.at(reference.path, reference.connection or run.spec.predictions.connection)
    return store, list_below(store, reference.path).files


def _read(run: Run, store: ObjectStore, files: Sequence[ListedFile]) -> ReferenceRows:
    spec, reference = run.spec, run.spec.reference
    unknown = () if reference.dated else (spec.id_column, spec.time_column)
    columns = {name: column for name, column in spec.predictions.columns.items() if name not in unknown}
    if reference.label:
        columns[reference.label] = label_column(spec)
    if reference.outcome:
        columns[reference.outcome] = Column(type=ColumnType.CATEGORY)
    source = ListedSource(
        store=store,
        files=files,
        columns=columns,
        timezone=spec.predictions.timezone,
        optional=[name for role in _OPTIONAL for name in spec.columns_of(role)],
        reading=Reading.of(reference, columns=columns),
    )
    with scratch_folder() as folder:
        intake = take_in(source, spec, None, hash_key=run.hash_key, folder=folder)
        _demand_all(run, intake.files, is_dated=reference.dated)
        rows, errors = (read_local(spool.finish()) for spool in (intake.accepted.rows, intake.errors.rows))
    return ReferenceRows(rows=rows, files={file.uri: file.sha256 for file in intake.files}, errors=errors)


def _demand_all(run: Run, files: Sequence[SourceFile], *, is_dated: bool) -> None:
    problems = [f"{file.uri}: {file.problem}" for file in files if file.problem]
    problems += [f"{file.uri}: {fault} ({count} values)" for file in files for fault, count in file.faults.items()]
    if problems:
        raise ConfigError(
            f"The reference of {run.model} does not match the spec: {'; '.join(problems)}.",
            hint="if the data has no ids or event times, set `dated: false` under reference" if is_dated else "",
        )
