"""Evenly spread rows of a large day, kept beside it as they are read: losses are expected without reading it again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.spool import Spool
from airflow_mlmon.archive.layouts.layout import ListedFile
from airflow_mlmon.drift.rows.evenly import step_of, take_every
from airflow_mlmon.errors import MlmonError, NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import read_workspace_table
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.ranges import RangedFile
from airflow_mlmon.tracing import TracedPool

# bytes of a day that may have so many rows that not all of them are asked, and files whose footers are read at most
_LARGE, _MOST_FILES = 1 << 20, 256
_AT_ONCE = 8


class EvenRows:
    """Evenly spread rows of a day of about so many rows, on disk, as the rows come."""

    def __init__(self, folder: Path, columns: Collection[str], rows: int) -> None:
        self._columns = frozenset(columns)
        self._step = step_of(rows)
        self._rows = 0
        self._kept = Spool(folder, "every")

    def add(self, rows: pa.Table) -> None:
        """Keep those of the next rows."""
        own = rows.select([name for name in rows.column_names if name in self._columns])
        if own.column_names:
            self._kept.add(take_every(self._step, own, self._rows))
        self._rows += rows.num_rows

    def write(self, run: Run, partition: Partition, version: str) -> None:
        """Write them beside a version, unless it has so many more or fewer rows that others are asked."""
        if self._kept.rows and step_of(self._rows) == self._step:
            run.files.upload(_uri(run, partition, version, self._step), self._kept.finish())


def count_listed_rows(store: ObjectStore, files: Sequence[ListedFile]) -> int:
    """Count the rows of large Parquet files by their footers; 0 of others, and where one cannot be read."""
    if len(files) > _MOST_FILES or sum(file.item.size for file in files) < _LARGE:
        return 0

    def count(file: ListedFile) -> int:
        return int(pq.read_metadata(RangedFile(store, file.item.uri, file.item.size)).num_rows)

    # what is wrong with a file is said when it is read
    with suppress(pa.ArrowException, OSError, MlmonError), TracedPool(_AT_ONCE) as pool:
        return sum(pool.map(count, files))
    return 0


def read_even_rows(
    run: Run, partition: Partition, version: str, columns: Collection[str], rows: int
) -> pa.Table | None:
    """Read columns of the evenly spread rows of a version of so many rows; None where they were not kept."""
    try:
        found = read_workspace_table(run, _uri(run, partition, version, step_of(rows)), [], columns)
    except NotFoundError:
        return None
    return found if columns and set(columns).issubset(found.column_names) else None


def _uri(run: Run, partition: Partition, version: str, step: int) -> str:
    return run.version_uri(partition, version, f"every-{step}.parquet")
