"""Reading of the reference's rows: curated, without personal data, in total or file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.curation.curate import required_columns
from airflow_mlmon.archive.curation.intake import Intake, take_in
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.labels import is_excluded, join_outputs
from airflow_mlmon.archive.layouts.delta_log import warn_of_log
from airflow_mlmon.archive.layouts.layout import ListedFile, list_below, list_delta
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.mlflow_source import OpenedReference, open_mlflow
from airflow_mlmon.pipeline.workspace.partition_files import read_parquet_file
from airflow_mlmon.pipeline.workspace.predicted import reference_columns
from airflow_mlmon.spec import ModelSpec, Role
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.store.mlflow_store import ReferenceSource
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
    source: ReferenceSource | None = None


def read_reference(run: Run, day: date | None = None) -> ReferenceRows:
    """Read all rows of the reference, and the checksums of its files; of an alias, those that it named on a day.

    Raises:
        ConfigError: a file cannot be read, or there are no rows.
    """
    with open_reference(run, day) as opened:
        return read_opened(run, opened)


def read_opened(run: Run, opened: OpenedReference) -> ReferenceRows:
    """Read all rows of the opened reference, and the checksums of its files.

    Raises:
        ConfigError: a file cannot be read, or there are no rows.
    """
    if not opened.files:
        raise ConfigError(
            f"No data files of the reference of {run.model} were found at {run.spec.reference.place}.",
            hint="`reference: path` is a folder or a file; * stands for any part of a name, and nothing else does",
        )
    found = _read(run, opened, opened.files)
    if not found.rows.num_rows:
        said = f": {'; '.join(found.told)}" if found.told else ""
        raise ConfigError(
            f"The reference of {run.model} has no rows ({run.spec.reference.place}){said}.",
            hint="" if found.told else "correct the reference in the spec",
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
    with open_reference(run) as opened:
        for item in opened.files:
            yield _read(run, opened, [item])


def join_reference_labels(run: Run, rows: pa.Table) -> pa.Table | None:
    """Join the labels to the rows of the reference; None if they have no labels."""
    reference, labels = run.spec.reference, run.spec.labels
    if labels is None or reference.label is None or reference.label not in rows.column_names:
        return None
    excluded = is_excluded(rows, reference.outcome, labels.excluded)
    return join_outputs(rows, rows.column(reference.label), excluded, run.spec)


@contextmanager
def open_reference(run: Run, day: date | None = None) -> Iterator[OpenedReference]:
    """Yield the files of the reference; of an alias, of the version that it named on a day, or last."""
    reference = run.spec.reference
    if reference.mlflow is not None:
        with open_mlflow(run, reference.mlflow, day) as opened:
            yield opened
        return
    path = str(reference.path)
    store = run.storage.at(path, reference.connection or run.spec.predictions.connection)
    if reference.format is FileFormat.DELTA:
        yield OpenedReference(store, list_delta(store, path).files)
    else:
        yield OpenedReference(store, list_below(store, path, columns=run.spec.predictions.columns).files)


def _read(run: Run, opened: OpenedReference, files: Sequence[ListedFile]) -> ReferenceRows:
    source = _source(run, opened, files)
    with scratch_folder() as folder:
        intake = _take_in(run, source, folder)
        if problems := [f"{file.uri}: {file.problem}" for file in intake.files if file.problem]:
            raise ConfigError(f"The reference of {run.model} cannot be read: {'; '.join(problems)}.")
        rows, errors = (read_parquet_file(spool.finish()) for spool in (intake.accepted.rows, intake.errors.rows))
    return ReferenceRows(
        rows=rows,
        files={file.uri: file.sha256 for file in intake.files} if opened.checksums is None else dict(opened.checksums),
        errors=errors,
        told=(*_tell(intake), *_warn(run, opened.store)),
        empty=intake.empty,
        source=opened.source,
    )


def _warn(run: Run, store: ObjectStore) -> list[str]:
    """Say that a Delta table is read without its log; nothing if it is not."""
    reference = run.spec.reference
    warning = warn_of_log(store, [reference.path], reference.format) if reference.path is not None else ""
    return [warning] if warning else []


def _source(run: Run, opened: OpenedReference, files: Sequence[ListedFile]) -> ListedSource:
    spec, columns = run.spec, reference_columns(run.spec)
    return ListedSource(
        store=opened.store,
        files=files,
        columns=columns,
        timezone=spec.predictions.timezone,
        optional=[name for role in _OPTIONAL for name in spec.columns_of(role)],
        required=required_columns(spec, None),
        reading=Reading(columns=columns) if opened.is_predicted else Reading.of(spec.reference, columns=columns),
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
