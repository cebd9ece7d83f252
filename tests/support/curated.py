"""The intake of a table, as if it were the only file of its day."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.curate import required_columns
from airflow_mlmon.archive.curation.intake import Intake, take_in
from airflow_mlmon.archive.curation.keyed import Keyed
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.layouts.layout import list_below
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.storage.local import LocalStore


class Curated(NamedTuple):
    """Rows of an intake, and the accounts of its files."""

    rows: pa.Table
    quarantine: pa.Table
    errors: pa.Table
    reasons: dict[str, int]
    files: tuple[SourceFile, ...]


def curate(tables: pa.Table | Sequence[pa.Table], spec: ModelSpec, partition: Partition | None) -> Curated:
    """Curate tables, each of which is a file of the day."""
    with tempfile.TemporaryDirectory() as folder:
        for number, table in enumerate([tables] if isinstance(tables, pa.Table) else tables):
            pq.write_table(table, f"{folder}/part-{number:04}.parquet")
        intake = take_in(source_of(folder, spec, partition), spec, partition, hash_key=b"key", folder=Path(folder))
        return to_tables(intake)


def source_of(folder: str, spec: ModelSpec, partition: Partition | None) -> ListedSource:
    """The files below a folder, as the run of a day reads them."""
    store = LocalStore()
    return ListedSource(
        store=store,
        files=list_below(store, folder).files,
        columns=spec.predictions.columns,
        timezone=spec.predictions.timezone,
        required=required_columns(spec, partition),
    )


def to_tables(intake: Intake) -> Curated:
    """Read all rows of an intake."""
    spools = (intake.accepted.rows, intake.quarantine, intake.errors.rows)
    rows, quarantine, errors = (pq.read_table(spool.finish()) for spool in spools)
    return Curated(rows, quarantine, errors, dict(intake.quarantined), intake.files)


def accepted_rows(folder: Path, ids: pa.ChunkedArray) -> Keyed:
    """Accepted rows of a day in a folder, of which only the ids are known."""
    accepted = Keyed(folder, "accepted", lambda table: table.column("id"))
    accepted.add(pa.table({"id": ids}))
    accepted.rows.finish()
    return accepted
