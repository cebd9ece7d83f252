"""Hashes of the ids of a version's rows, in the order of the rows: labels find rows by them, without reading ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.label_keys import are_ids
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.storage.scratch import scratch_file

ROW_HASHES = "row_hashes.parquet"

# ids of fewer rows are read and hashed as fast
_FEW = 1 << 17
_BATCH = 1 << 18


def keep_row_hashes(run: Run, partition: Partition, version: str, hashes: HashLog) -> None:
    """Write the hashes of the ids of a version's rows, if labels are joined by these and rows are many."""
    if run.spec.labels is None or not are_ids(run.spec) or hashes.rows < _FEW:
        return
    # the name of the column tells what was hashed
    schema = pa.schema([(run.spec.id_column, pa.int64())])
    with scratch_file(".parquet") as file:
        with pq.ParquetWriter(
            file, schema, compression="none", use_dictionary=False, write_statistics=False, write_page_checksum=True
        ) as writer:
            for start in range(0, hashes.rows, _BATCH):
                own = hashes.between(start, min(start + _BATCH, hashes.rows))
                writer.write_table(pa.table([to_number_array(own)], schema))
        file.flush()
        run.files.upload(run.version_uri(partition, version, ROW_HASHES), Path(file.name))


@contextmanager
def open_row_hashes(run: Run, partition: Partition, version: str, rows: int) -> Iterator[Iterator[Integers] | None]:
    """Open the hashes of the keys of a version's rows, of which there are so many, to be read in batches.

    Yields:
        None if they are not there: of an older release, of few rows, of shards, or of other keys.
    """
    uri = run.version_uri(partition, version, ROW_HASHES)
    if rows < _FEW or not are_ids(run.spec) or not run.files.list(uri):
        yield None
        return
    with run.files.local_copy(uri) as path, pq.ParquetFile(path, page_checksum_verification=True) as file:
        is_of_rows = file.schema_arrow.names == [run.spec.id_column] and file.metadata.num_rows == rows
        yield (to_numpy(batch.column(0)) for batch in file.iter_batches(_BATCH)) if is_of_rows else None
