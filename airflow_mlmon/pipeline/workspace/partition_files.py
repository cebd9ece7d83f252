"""Files of a version of a partition in the workspace: their names, reading and writing."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run

MANIFEST = "manifest.json"
SAMPLE = "sample.parquet"


def profile_uri(run: Run, partition: Partition, version: str, schema_id: str) -> str:
    """Return the URI of a version's profile under a profile schema."""
    return run.version_uri(partition, version, f"{schema_id}.profile")


def delivery_uri(run: Run, delivery: Partition, version: str) -> str:
    """Return the URI of the labels of a delivery, wherever the workspace was when they were received."""
    return run.uri("deliveries", delivery.key, f"{version}.parquet")


def to_parquet(table: pa.Table) -> bytes:
    """Convert a table to the bytes of a Parquet file with page checksums."""
    sink = io.BytesIO()
    # a dictionary of measured numbers takes as long as all the rest, and more room
    coded = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True, use_dictionary=coded)
    return sink.getvalue()


def read_workspace_table(
    run: Run, uri: str, columns: list[str] | None = None, where_there: Iterable[str] = ()
) -> pa.Table:
    """Read rows from a file in the workspace and verify its page checksums.

    Args:
        run: the model.
        uri: the file.
        columns: the columns to read; by default all.
        where_there: further columns, which may be missing in the file.
    """
    return read_parquet_file(pa.BufferReader(run.files.read(uri)), columns, where_there)


def read_parquet_file(
    source: Path | pa.BufferReader, columns: Collection[str] | None = None, where_there: Iterable[str] = ()
) -> pa.Table:
    """Read the rows of a Parquet file and verify its page checksums; see `read_workspace_table`."""
    # a single file is read without pyarrow's data sets, which take ten times as long for few rows
    with pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False) as file:
        held = file.schema_arrow.names
        wanted = held if columns is None else list(dict.fromkeys([*columns, *(n for n in where_there if n in held)]))
        if not wanted:
            # joined tables without columns forget how many rows they have
            return file.read(wanted)
        groups = [file.read_row_group(group, wanted) for group in range(file.num_row_groups)]
        return pa.concat_tables(groups or [file.read_row_groups([], wanted)]).select(wanted)
