"""Intake of a partition: its rows, read and curated in batches, on disk.

The rows of the archive are read once. Where ids repeat, which the hashes of all ids tell in the end, the accepted rows
are written once more without the repeated ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from airflow_mlmon.archive.curation.ahead import read_ahead
from airflow_mlmon.archive.curation.batches import join_small
from airflow_mlmon.archive.curation.curate import count_reasons, curate
from airflow_mlmon.archive.curation.keyed import Keyed, Watch, key_of_error, key_of_id
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.personal import hashing_of, protect
from airflow_mlmon.archive.curation.read import Batch, ListedSource, Reader
from airflow_mlmon.archive.curation.reasons import DUPLICATE, LISTED_TWICE
from airflow_mlmon.archive.curation.repeats import RepeatedRows
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.tables.schema import arrow_schema

OpenWatch = Callable[[], Watch]


class Intake(NamedTuple):
    """Curated rows of a partition, its quarantine and its rows with an error status, on disk.

    `quarantined` are the quarantined rows by reason; `empty` are the declared columns without a value in any file.
    """

    accepted: Keyed
    errors: Keyed
    quarantine: Spool
    quarantined: Counter[str]
    files: tuple[SourceFile, ...]
    empty: frozenset[str] = frozenset()

    def drop(self, reasons: Mapping[str, Positions]) -> None:
        """Move accepted rows to the quarantine."""
        self.accepted.drop(reasons, self.quarantine)
        self._count(reasons)

    def drop_repeated(self, id_column: str) -> None:
        """Move to the quarantine all rows but the first with an id, and all but the first of an error and its time."""
        self.drop_found(id_column, self.accepted.find_repeated(), self.errors.find_repeated())

    def drop_found(self, id_column: str, rows: RepeatedRows, errors: RepeatedRows) -> None:
        """Move to the quarantine rows and errors that repeat others."""
        self.drop(dict(zip(duplicate_reasons(id_column), rows, strict=True)))
        copies = {LISTED_TWICE: np.sort(np.concatenate(errors))}
        self.errors.drop(copies, self.quarantine)
        self._count(copies)

    def _count(self, reasons: Mapping[str, Positions]) -> None:
        self.quarantined.update({reason: len(positions) for reason, positions in reasons.items() if len(positions)})


def duplicate_reasons(id_column: str) -> tuple[str, str]:
    """Return the reasons to quarantine rows that repeat an id, with the same or with other values."""
    return f"{id_column} {DUPLICATE}", f"{id_column} {DUPLICATE} with other values"


def take_in(
    source: ListedSource,
    spec: ModelSpec,
    partition: Partition | None,
    *,
    hash_key: bytes | None,
    folder: Path,
    watched: OpenWatch | None = None,
) -> Intake:
    """Read the rows of a source, and accept or quarantine each; see `read_in`.

    Of several rows with one id the first is accepted, in the order of the files.
    """
    intake = read_in(source, spec, partition, hash_key=hash_key, folder=folder, watched=watched)
    intake.drop_repeated(spec.id_column)
    return intake


def read_in(
    source: ListedSource,
    spec: ModelSpec,
    partition: Partition | None,
    *,
    hash_key: bytes | None,
    folder: Path,
    watched: OpenWatch | None = None,
) -> Intake:
    """Read the rows of a source, and accept or quarantine each, also one that repeats the id of another.

    Without `partition` (for the reference) any time is accepted, also none. An id or time that is not among the columns
    of the source is the number of the row, or null.

    Args:
        source: the listed files.
        spec: the model.
        partition: the day.
        hash_key: key of personal columns that are hashed.
        folder: an empty local folder for the rows; they are there as long as it is.
        watched: returns what is given the accepted rows as they come; called again if the files are read again.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    reader = Reader(replace(source, hashing=hashing_of(source.columns, hash_key)))
    attempt = 0
    while attempt == 0 or reader.restart():
        below = folder / str(attempt)
        below.mkdir()
        accepted = Keyed(below, "accepted", key_of_id(spec), watched and watched())
        intake = Intake(accepted, Keyed(below, "errors", key_of_error(spec)), Spool(below, "quarantine"), Counter(), ())
        _read(reader, intake, spec, partition, partial(protect, spec=spec))
        attempt += 1
    return intake._replace(files=reader.files(), empty=frozenset(source.columns) - reader.filled)


def _read(
    reader: Reader,
    intake: Intake,
    spec: ModelSpec,
    partition: Partition | None,
    protected: Callable[[pa.Table], pa.Table],
) -> None:
    rows = 0
    with read_ahead(reader.batches()) as batches:
        for batch in join_small(batches):
            parts = curate(
                _complete(batch, spec, rows), spec, partition, batch.faults, batch.refused, dropped=batch.dropped
            )
            rows += batch.table.num_rows
            good, bad, failed = (protected(part) for part in parts)
            intake.accepted.add(good)
            intake.errors.add(failed)
            intake.quarantine.add(bad)
            intake.quarantined.update(count_reasons(bad))


def _complete(batch: Batch, spec: ModelSpec, first: int) -> pa.Table:
    """Add the numbers of the rows as ids and no times, where the source has neither."""
    table = batch.table
    wanted = {spec.id_column, spec.time_column}.difference(table.column_names)
    missing = {name: column for name, column in spec.predictions.columns.items() if name in wanted}
    for field in arrow_schema(missing):
        if field.name == spec.id_column:
            values = pa.array(np.arange(first, first + table.num_rows)).cast(field.type)
        else:
            values = pa.nulls(table.num_rows, field.type)
        table = table.append_column(field, values)
    return table
