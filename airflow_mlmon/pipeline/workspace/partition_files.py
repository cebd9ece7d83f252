"""Files of a version of a partition in the workspace: their names, reading and writing."""

from __future__ import annotations

import io
from collections.abc import Iterable
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
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
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
    source = io.BytesIO(run.files.read(uri))
    if columns is not None:
        held = set(pq.read_schema(source).names)
        columns = [*columns, *(name for name in dict.fromkeys(where_there) if name in held and name not in columns)]
    return _parse(source, columns)


def read_local(path: Path) -> pa.Table:
    """Read all rows of a local Parquet file, and verify its page checksums."""
    return _parse(path, None)


def _parse(source: io.BytesIO | Path, columns: list[str] | None) -> pa.Table:
    return pq.read_table(source, columns=columns, page_checksum_verification=True, partitioning=None)
