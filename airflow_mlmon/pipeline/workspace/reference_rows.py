"""Reading of the reference's rows: curated, without personal data, in total or file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.curation.curate import required_columns
from airflow_mlmon.archive.curation.intake import Intake, take_in
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.labels import is_excluded, join_outputs, label_column
from airflow_mlmon.archive.layouts.delta_log import warn_of_log
from airflow_mlmon.archive.layouts.layout import ListedFile, list_below, list_delta
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import read_local
from airflow_mlmon.spec import Column, ColumnType, ModelSpec, Role
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tables.reading import Reading

Checksums = dict[str, str]
# columns that the reference may lack: training data knows no requests, and attributions are seldom kept of it
_OPTIONAL = (Role.OPERATIONAL, Role.ATTRIBUTION, Role.TRACE)


class ReferenceRows(NamedTuple):
    """Rows of the reference.

    Attributes:
        rows: Accepted rows.
        files: Checksums of its files.
        errors: Rows with an error status.
        told: What could not be read.
        empty: Columns without any value.
    """

    rows: pa.Table
    files: Checksums
    errors: pa.Table
    told: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset()


def read_reference(run: Run) -> ReferenceRows:
    """Read all rows of the reference, and the checksums of its files.

    Raises:
        ConfigError: a file cannot be read, or there are no rows.
    """
    store, files = list_reference(run)
    found = _read(run, store, files)
    if not found.rows.num_rows:
        said = f": {'; '.join(found.told)}" if found.told else ""
        raise ConfigError(
            f"The reference of {run.model} has no rows ({run.spec.reference.path}){said}.",
            hint="" if found.told else "correct reference.path in the spec",
        )
    label = run.spec.reference.label
    # without a label nothing of the performance is known, as if none were declared
    return found._replace(rows=found.rows.drop_columns([label])) if label in found.empty else found


def stream_reference(run: Run) -> Iterator[ReferenceRows]:
    """Yield the rows of the reference file by file.

    An id that occurs in two files is in both; `read_reference` keeps the first.

    Raises:
        ConfigError: a file cannot be read.
    """
    store, files = list_reference(run)
    for item in files:
        yield _read(run, store, [item])


def join_reference_labels(run: Run, rows: pa.Table) -> pa.Table | None:
    """Join the labels to the rows of the reference; None if they have no labels."""
    reference, labels = run.spec.reference, run.spec.labels
    if labels is None or reference.label is None or reference.label not in rows.column_names:
        return None
    excluded = is_excluded(rows, reference.outcome, labels.excluded)
    return join_outputs(rows, rows.column(reference.label), excluded, run.spec)


def list_reference(run: Run) -> tuple[ObjectStore, tuple[ListedFile, ...]]:
    """List the files of the reference, and return their store too."""
    reference = run.spec.reference
    store = run.storage.at(reference.path, reference.connection or run.spec.predictions.connection)
    if reference.format is FileFormat.DELTA:
        return store, list_delta(store, reference.path).files
    return store, list_below(store, reference.path, columns=run.spec.predictions.columns).files


def _read(run: Run, store: ObjectStore, files: Sequence[ListedFile]) -> ReferenceRows:
    source = _source(run, store, files)
    with scratch_folder() as folder:
        intake = _take_in(run, source, folder)
        if problems := [f"{file.uri}: {file.problem}" for file in intake.files if file.problem]:
            raise ConfigError(f"The reference of {run.model} cannot be read: {'; '.join(problems)}.")
        rows, errors = (read_local(spool.finish()) for spool in (intake.accepted.rows, intake.errors.rows))
    return ReferenceRows(
        rows=rows,
        files={file.uri: file.sha256 for file in intake.files},
        errors=errors,
        told=(*_tell(intake), *_warn(run, store)),
        empty=intake.empty,
    )


def _warn(run: Run, store: ObjectStore) -> list[str]:
    """Say that a Delta table is read without its log; nothing if it is not."""
    reference = run.spec.reference
    warning = warn_of_log(store, [reference.path], reference.format)
    return [warning] if warning else []


def _source(run: Run, store: ObjectStore, files: Sequence[ListedFile]) -> ListedSource:
    spec, reference = run.spec, run.spec.reference
    unknown = () if reference.dated else (spec.id_column, spec.time_column)
    columns = {name: column for name, column in spec.predictions.columns.items() if name not in unknown}
    if reference.label:
        columns[reference.label] = label_column(spec)
    if reference.outcome:
        columns[reference.outcome] = Column(type=ColumnType.CATEGORY)
    return ListedSource(
        store=store,
        files=files,
        columns=columns,
        timezone=spec.predictions.timezone,
        optional=[name for role in _OPTIONAL for name in spec.columns_of(role)],
        required=required_columns(spec, None),
        reading=Reading.of(reference, columns=columns),
    )


def _take_in(run: Run, source: ListedSource, folder: Path) -> Intake:
    """Take in rows without demanding those required columns of which no file has a value.

    Without ids the rows are told apart by their number.
    """
    spec = run.spec
    first, second = folder / "first", folder / "second"
    first.mkdir()
    intake = take_in(source, spec, None, hash_key=run.hash_key, folder=first)
    lacking = intake.empty & set(source.required)
    if not lacking or not intake.quarantined:
        return intake
    second.mkdir()
    columns = {name: column for name, column in source.columns.items() if name != spec.id_column or name not in lacking}
    known = replace(source, columns=columns, required=[name for name in source.required if name not in lacking])
    again = take_in(known, _without_demands(spec, lacking), None, hash_key=run.hash_key, folder=second)
    return again._replace(empty=intake.empty)


def _without_demands(spec: ModelSpec, names: Collection[str]) -> ModelSpec:
    columns = {
        name: column.model_copy(update={"required": column.required and name not in names})
        for name, column in spec.predictions.columns.items()
    }
    return spec.model_copy(update={"predictions": spec.predictions.model_copy(update={"columns": columns})})


def _tell(intake: Intake) -> Iterator[str]:
    """Yield what could not be read, and of which rows or how many values."""
    for reason, count in sorted(intake.quarantined.items()):
        yield f"{count:,} rows: {reason}"
    faults: Counter[str] = Counter()
    for file in intake.files:
        faults.update(file.faults)
    for fault, count in sorted(faults.items()):
        yield f"{fault} ({count:,} values)"
