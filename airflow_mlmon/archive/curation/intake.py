"""Intake of a partition: its rows, read and curated in batches, on disk.

The rows of the archive are read once. Where ids repeat, which the hashes of all ids tell in the end, the accepted rows
are written once more without the repeated ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.ahead import read_ahead
from airflow_mlmon.archive.curation.curate import add_reason, count_reasons, curate
from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.personal import protect
from airflow_mlmon.archive.curation.read import Batch, ListedSource, Reader
from airflow_mlmon.archive.curation.reasons import DUPLICATE
from airflow_mlmon.archive.curation.repeats import KeyOf, find_repeated_rows, hash_keys
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.engine.hash_sample import HashSample
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.tables.schema import arrow_schema

_UNIT = "\x1f"


class Keyed:
    """Rows on disk, with the hash of the key by which a row is known again."""

    def __init__(self, folder: Path, name: str, keys: KeyOf) -> None:
        self.rows = Spool(folder, name)
        self._keys = keys
        self._folder, self._name = folder, name
        self._hashes = HashLog(folder / f"{name}.hashes")
        self._ordered: Integers | None = None
        self._sample: HashSample | None = HashSample()

    @property
    def ordered(self) -> Integers:
        """Hashes of the keys of all rows, ascending."""
        if self._ordered is None:
            self._ordered = self._hashes.ordered()
        return self._ordered

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        hashes = hash_keys(self._keys(table), self.rows.rows)
        if self._sample is not None:
            self._sample.add(table.select(_scalars(table.schema)), hashes)
        self._hashes.add(hashes)
        self.rows.add(table)

    def sample(self) -> pa.Table:
        """Draw at most 5,000 rows by the hashes of their keys, always the same, without their vectors."""
        if self._sample is not None:
            return self._sample.table().cast(
                pa.schema([self.rows.schema.field(name) for name in _scalars(self.rows.schema)])
            )
        # rows were dropped, perhaps some of the sampled ones
        sample = HashSample()
        sample.add(self.rows.schema.empty_table().select(_scalars(self.rows.schema)), np.zeros(0, dtype=np.int64))
        for table, _ in self.rows.blocks(_scalars(self.rows.schema)):
            sample.add(table, hash_keys(self._keys(table), 0))
        return sample.table()

    def positions_of(self, hashes: Integers) -> Positions:
        """Return the ascending positions of the rows whose key has one of the ascending hashes."""
        return self._hashes.positions_of(hashes)

    def find_repeated(self) -> tuple[Positions, Positions]:
        """Return the positions of the rows that repeat a key with the same values, and with other values."""
        self.rows.finish()
        return find_repeated_rows(self.rows, self._hashes, self.ordered, self._keys)

    def drop(self, reasons: Mapping[str, Positions], quarantine: Spool) -> None:
        """Move rows to the quarantine, each with its reason."""
        reasons = {reason: positions for reason, positions in reasons.items() if len(positions)}
        if not reasons:
            return
        self.rows.finish()
        dropped = np.sort(np.concatenate(list(reasons.values())))
        name = f"{self._name}-"
        kept = Spool(self._folder, name)
        kept.add(self.rows.schema.empty_table())
        for table, positions in self.rows.blocks():
            kept.add(table.filter(pa.array(~np.isin(positions, dropped, assume_unique=True))))
        for reason, positions in reasons.items():
            for table, _ in self.rows.blocks(at=positions):
                quarantine.add(add_reason(table, reason))
        self.rows.remove()
        kept.finish()
        self._hashes = self._hashes.without(dropped, self._folder / f"{name}.hashes")
        self.rows, self._name = kept, name
        self._ordered = self._sample = None


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
        equal, other = self.accepted.find_repeated()
        self.drop({f"{id_column} {DUPLICATE}": equal, f"{id_column} {DUPLICATE} with other values": other})
        copies = {"an error is listed twice": np.sort(np.concatenate(self.errors.find_repeated()))}
        self.errors.drop(copies, self.quarantine)
        self._count(copies)

    def _count(self, reasons: Mapping[str, Positions]) -> None:
        self.quarantined.update({reason: len(positions) for reason, positions in reasons.items() if len(positions)})


def take_in(
    source: ListedSource, spec: ModelSpec, partition: Partition | None, *, hash_key: bytes | None, folder: Path
) -> Intake:
    """Read the rows of a source, and accept or quarantine each.

    Without `partition` (for the reference) any time is accepted, also none. An id or time that is not among the columns
    of the source is the number of the row, or null. Of several rows with one id the first is accepted, in the order of
    the files.

    Args:
        source: the listed files.
        spec: the model.
        partition: the day.
        hash_key: key of personal columns that are hashed.
        folder: an empty local folder for the rows; they are there as long as it is.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    reader = Reader(source)
    attempt = 0
    while attempt == 0 or reader.restart():
        below = folder / str(attempt)
        below.mkdir()
        intake = _read(reader, spec, partition, partial(protect, spec=spec, hash_key=hash_key), below)
        attempt += 1
    intake.drop_repeated(spec.id_column)
    return intake._replace(files=reader.files(), empty=frozenset(source.columns) - reader.filled)


def _read(
    reader: Reader,
    spec: ModelSpec,
    partition: Partition | None,
    protected: Callable[[pa.Table], pa.Table],
    folder: Path,
) -> Intake:
    accepted = Keyed(folder, "accepted", lambda table: table.column(spec.id_column))
    errors = Keyed(folder, "errors", partial(_error_keys, spec=spec))
    quarantine = Spool(folder, "quarantine")
    quarantined: Counter[str] = Counter()
    rows = 0
    with read_ahead(reader.batches()) as batches:
        for batch in batches:
            parts = curate(_complete(batch, spec, rows), spec, partition, batch.faults, batch.refused)
            rows += batch.table.num_rows
            good, bad, failed = (protected(part) for part in parts)
            accepted.add(good)
            errors.add(failed)
            quarantine.add(bad)
            quarantined.update(count_reasons(bad))
    return Intake(accepted, errors, quarantine, quarantined, ())


def _scalars(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def _complete(batch: Batch, spec: ModelSpec, first: int) -> pa.Table:
    """Add the numbers of the rows as ids and no times, where the source has neither."""
    table = batch.table
    missing = {
        name: column
        for name, column in spec.predictions.columns.items()
        if name in {spec.id_column, spec.time_column} and name not in table.column_names
    }
    for field in arrow_schema(missing):
        if field.name == spec.id_column:
            values = pa.array(np.arange(first, first + table.num_rows)).cast(field.type)
        else:
            values = pa.nulls(table.num_rows, field.type)
        table = table.append_column(field, values)
    return table


def _error_keys(errors: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return id and time of each error, as a failed retry has its own time; null without an id."""
    times = errors.column(spec.time_column).cast(pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(errors.column(spec.id_column).cast(pa.string()), times, _UNIT)
