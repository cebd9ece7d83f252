"""Outputs that the rows of a reference lack, made by the logged model in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.labels import label_column
from airflow_mlmon.archive.layouts.layout import ListedFile
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.mlflow.client import MlflowServer
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import Column, ColumnType, ModelSpec, Role
from airflow_mlmon.spec.choices import OUTPUT_ROLES
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import conform, undeclared


def reference_columns(spec: ModelSpec) -> dict[str, Column]:
    """Return the declared columns that a reference may have: the predictions', and those of its labels."""
    reference = spec.reference
    unknown = () if reference.dated else (spec.id_column, spec.time_column)
    columns = {name: column for name, column in spec.predictions.columns.items() if name not in unknown}
    if reference.label:
        columns[reference.label] = label_column(spec)
    if reference.outcome:
        columns[reference.outcome] = Column(type=ColumnType.CATEGORY)
    return columns


def with_predictions(
    run: Run, server: MlflowServer, model: str, source: tuple[ObjectStore, Sequence[ListedFile]], folder: Path
) -> Path | None:
    """Write the rows of files with the answers of a logged model in the outputs that they lack.

    Returns:
        The folder of Parquet files, one for each; None if the rows have every output.

    Raises:
        ConfigError: the answer of the model has no name, and the spec several outputs.
        ServiceError: the model does not answer the rows.
    """
    spec, mlflow = run.spec, run.spec.reference.mlflow
    assert mlflow is not None  # noqa: S101 - it is the spec's own source
    assert mlflow.predict is not None  # noqa: S101 - that asks for predictions
    tables = [_typed(run, source[0], file) for file in source[1]]
    outputs = [name for role in OUTPUT_ROLES for name in spec.columns_of(role)]
    lacking = [name for name in outputs if not any(_has(table, name) for table in tables)]
    if not lacking:
        return None
    if mlflow.output is not None and mlflow.output not in lacking:
        raise ConfigError(f"The rows of the reference have {mlflow.output!r} already; leave out `output`.")
    asked, answered, whole = (folder / name for name in ("asked", "answered", "predicted"))
    for one in (asked, answered, whole):
        one.mkdir()
    names = [f"{number:05}.parquet" for number in range(len(tables))]
    for name, table in zip(names, tables, strict=True):
        pq.write_table(table.drop_columns([one for one in outputs if one in table.column_names]), asked / name)
    run.progress(f"{model} makes the predictions of the reference")
    server.predict(
        model,
        [(asked / name, answered / name) for name in names],
        python=mlflow.predict,
        features=spec.columns_of(Role.FEATURE),
        outputs=lacking,
        output=mlflow.output or (lacking[0] if len(lacking) == 1 else None),
    )
    for name, table in zip(names, tables, strict=True):
        answers = pq.read_table(answered / name)
        kept = table.drop_columns([one for one in answers.column_names if one in table.column_names])
        for column in answers.column_names:
            kept = kept.append_column(column, answers.column(column))
        pq.write_table(kept, whole / name)
    return whole


def _typed(run: Run, store: ObjectStore, file: ListedFile) -> pa.Table:
    """Read a file with the declared columns in their types, and the others as they are."""
    reading = Reading.of(run.spec.reference)
    with store.local_copy(file.item.uri, etag=file.item.etag) as path:
        pieces = read_path(path, file.item.uri, reading)
        return pa.concat_tables(_tables(run.spec, pieces, file.values), promote_options="permissive")


def _tables(spec: ModelSpec, pieces: Iterator[Piece], given: Mapping[str, str | None]) -> Iterator[pa.Table]:
    columns = reference_columns(spec)
    for piece in pieces:
        there = {name: one for name, one in columns.items() if name in piece.table.column_names or name in given}
        zone = spec.predictions.timezone
        table = conform(piece.table, there, timezone=zone, is_text=piece.is_text, values=given).table
        for name in undeclared(piece.table, columns):
            table = table.append_column(name, piece.table.column(name))
        yield table


def _has(table: pa.Table, name: str) -> bool:
    return name in table.column_names and table.column(name).null_count < table.num_rows
