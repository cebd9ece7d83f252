"""Files of a version of a partition in the workspace: their names, reading and writing."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.samples import sample

CURATED = "curated.parquet"
MANIFEST = "manifest.json"
SAMPLE = "sample.parquet"


def profile_uri(run: Run, partition: Partition, version: str, schema_id: str) -> str:
    """Return the URI of a version's profile under a profile schema."""
    return run.version_uri(partition, version, f"{schema_id}.profile")


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


def read_scalars(run: Run, partition: Partition, version: str) -> pa.Table:
    """Read the curated rows of one version of a partition, without their vectors.

    All other columns are read, because rows of an older spec may lack some of this one.
    """
    source = io.BytesIO(run.files.read(run.version_uri(partition, version, CURATED)))
    return _parse(source, scalar_names(pq.read_schema(source)))


def scalar_names(schema: pa.Schema) -> list[str]:
    """Return the columns that are no vectors."""
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def read_curated(
    run: Run,
    partition: Partition,
    version: str,
    columns: list[str] | None = None,
    where_there: Iterable[str] = (),
) -> pa.Table:
    """Read the curated rows of one version of a partition; see `read_workspace_table`."""
    return read_workspace_table(run, run.version_uri(partition, version, CURATED), columns, where_there)


def read_sampled(run: Run, partition: Partition, version: str) -> pa.Table:
    """Read a sample by prediction id of the curated rows, without their vectors."""
    try:
        return read_workspace_table(run, run.version_uri(partition, version, SAMPLE))
    except NotFoundError:
        # rows that were curated before samples were stored
        return sample(read_scalars(run, partition, version), run.spec.id_column)
