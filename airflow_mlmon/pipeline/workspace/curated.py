"""Curated rows of a version of a partition: one Parquet file, or one per shard where the day was divided."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, SAMPLE, read_workspace_table
from airflow_mlmon.pipeline.workspace.samples import sample

_WHOLE = "curated.parquet"
_BATCH = 1 << 17


def curated_uri(run: Run, partition: Partition, version: str, shard: int = 0, shards: int = 1) -> str:
    """Return the URI of the curated rows of one shard; of a day that is not divided, of all."""
    name = _WHOLE if shards == 1 else f"curated-{shard:04}-of-{shards:04}.parquet"
    return run.version_uri(partition, version, name)


def curated_uris(run: Run, partition: Partition, version: str) -> tuple[str, ...]:
    """Return the URIs of the curated rows of a version, in the order of the rows."""
    manifest = json.loads(run.files.read(run.version_uri(partition, version, MANIFEST)))
    shards = manifest.get("shards", 1)
    return tuple(curated_uri(run, partition, version, shard, shards) for shard in range(shards))


def has_curated(run: Run, partition: Partition, version: str) -> bool:
    """Return whether the curated rows of a version are there; old ones may have been pruned."""
    uri = curated_uri(run, partition, version)
    return bool(run.files.list(uri.removesuffix(".parquet")))


@contextmanager
def open_curated(run: Run, partition: Partition, version: str) -> Iterator[OpenedRows]:
    """Open the curated rows of a version, valid within the context.

    Raises:
        NotFoundError: the rows are gone.
    """
    with ExitStack() as stack:
        yield OpenedRows(_open(run, partition, version, stack))


def _open(run: Run, partition: Partition, version: str, stack: ExitStack) -> list[Path]:
    def copy(uri: str) -> Path:
        return stack.enter_context(run.files.local_copy(uri))

    try:
        return [copy(curated_uri(run, partition, version))]
    except NotFoundError:
        uris = curated_uris(run, partition, version)
        if len(uris) == 1:
            raise NotFoundError(
                f"The curated rows of {partition} are not in the workspace any more.",
                hint="`retention.rows` in the spec prunes them; a run of the day takes them in again",
            ) from None
        return [copy(uri) for uri in uris]


class OpenedRows:
    """Opened curated rows; their page checksums are verified wherever they are read.

    Attributes:
        paths: Local files, in the order of the rows.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return sum(pq.read_metadata(path).num_rows for path in self.paths)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(dict.fromkeys(name for path in self.paths for name in pq.read_schema(path).names))

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """Names of the columns that are no vectors."""
        schemas = [pq.read_schema(path) for path in self.paths]
        return tuple(dict.fromkeys(name for schema in schemas for name in scalar_names(schema)))

    def batches(
        self, columns: Collection[str] | None = None, where_there: Collection[str] = (), size: int = _BATCH
    ) -> Iterator[pa.Table]:
        """Yield the rows in batches, in memory that does not grow with them.

        Args:
            columns: the columns to read; by default all.
            where_there: further columns, which may be missing.
            size: most rows of a batch.
        """
        for path in self.paths:
            wanted = _present(path, columns, where_there)
            with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
                for batch in file.iter_batches(size, columns=wanted):
                    yield pa.Table.from_batches([batch])

    def table(self, columns: Collection[str] | None = None, where_there: Collection[str] = ()) -> pa.Table:
        """Read the rows at once; see `batches`."""
        tables = [
            pq.read_table(
                path,
                columns=_present(path, columns, where_there),
                page_checksum_verification=True,
                partitioning=None,
            )
            for path in self.paths
        ]
        return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")


def read_curated(
    run: Run,
    partition: Partition,
    version: str,
    columns: Collection[str] | None = None,
    where_there: Collection[str] = (),
) -> pa.Table:
    """Read the curated rows of a version at once; see `OpenedRows.batches`."""
    with open_curated(run, partition, version) as rows:
        return rows.table(columns, where_there)


def read_scalars(run: Run, partition: Partition, version: str) -> pa.Table:
    """Read the curated rows of a version at once, without their vectors.

    All other columns are read, because rows of an older spec may lack some of this one.
    """
    with open_curated(run, partition, version) as rows:
        return rows.table(rows.scalars)


def read_sampled(run: Run, partition: Partition, version: str) -> pa.Table:
    """Read a sample by prediction id of the curated rows, without their vectors."""
    try:
        return read_workspace_table(run, run.version_uri(partition, version, SAMPLE))
    except NotFoundError:
        # rows that were curated before samples were stored
        return sample(read_scalars(run, partition, version), run.spec.id_column)


def scalar_names(schema: pa.Schema) -> list[str]:
    """Return the columns that are no vectors."""
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def _present(path: Path, columns: Collection[str] | None, where_there: Collection[str]) -> list[str] | None:
    if columns is None:
        return None
    held = set(pq.read_schema(path).names)
    return list(dict.fromkeys([*columns, *(name for name in where_there if name in held)]))
