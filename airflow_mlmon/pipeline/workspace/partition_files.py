"""What a version of a partition keeps in the workspace: names, reading and writing."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.samples import sample

CURATED = "curated.parquet"
MANIFEST = "manifest.json"
SAMPLE = "sample.parquet"


def profile_uri(run: Run, partition: Partition, version: str, layout_id: str) -> str:
    """Where the profile of a version under a layout is kept."""
    return run.version_uri(partition, version, f"{layout_id}.profile")


def to_parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file with page checksums."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def read_parquet(run: Run, uri: str, columns: list[str] | None = None, where_there: Iterable[str] = ()) -> pa.Table:
    """The rows of a file in the workspace, its page checksums verified.

    Args:
        run: the model.
        uri: the file.
        columns: those that are read; by default all.
        where_there: further ones, which the file may lack.
    """
    source = io.BytesIO(run.files.read(uri))
    if columns is not None:
        held = set(pq.read_schema(source).names)
        columns = [*columns, *(name for name in dict.fromkeys(where_there) if name in held and name not in columns)]
    return _parse(source, columns)


def _parse(source: io.BytesIO, columns: list[str] | None) -> pa.Table:
    return pq.read_table(source, columns=columns, page_checksum_verification=True, partitioning=None)


def read_scalars(run: Run, partition: Partition, version: str) -> pa.Table:
    """The curated rows of one version of a partition, without their vectors.

    All other columns, because rows of an older spec may lack some that this one has.
    """
    source = io.BytesIO(run.files.read(run.version_uri(partition, version, CURATED)))
    return _parse(source, scalar_names(pq.read_schema(source)))


def scalar_names(schema: pa.Schema) -> list[str]:
    """The columns that are no vectors."""
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def read_curated(
    run: Run,
    partition: Partition,
    version: str,
    columns: list[str] | None = None,
    where_there: Iterable[str] = (),
) -> pa.Table:
    """The curated rows of one version of a partition; see `read_parquet`."""
    return read_parquet(run, run.version_uri(partition, version, CURATED), columns, where_there)


def read_sampled(run: Run, partition: Partition, version: str) -> pa.Table:
    """A sample by prediction id of the curated rows, without their vectors."""
    try:
        return read_parquet(run, run.version_uri(partition, version, SAMPLE))
    except NotFoundError:
        # rows that were curated before samples were kept
        return sample(read_scalars(run, partition, version), run.spec.id_column)
