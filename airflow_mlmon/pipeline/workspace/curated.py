"""Curated rows of a version of a partition: one Parquet file, or one per shard where the day was divided."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, SAMPLE, read_parquet_file, read_workspace_table
from airflow_mlmon.pipeline.workspace.samples import sample
from airflow_mlmon.profiles.values.arrow import take_rows
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.storage.ranges import RangedFile

_WHOLE = "curated.parquet"
# rows and values of a batch
_BATCH, _VALUES = 1 << 17, 1 << 23
# row groups whose columns are fetched at a time, and that a batch may be read of: each has 64 MiB of texts at most
_FETCHED, _JOINED = 8, 4


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
            raise _gone(partition) from None
        return [copy(uri) for uri in uris]


@contextmanager
def open_columns(run: Run, partition: Partition, version: str) -> Iterator[CuratedColumns]:
    """Open the curated rows of a version to read some of their columns: of a remote workspace, no others are fetched.

    Raises:
        NotFoundError: the rows are gone.
    """
    if isinstance(run.files, LocalStore):
        with open_curated(run, partition, version) as rows:
            yield rows
        return
    sizes = {item.uri: item.size for item in run.files.list(run.version_uri(partition, version, "curated"))}
    whole = curated_uri(run, partition, version)
    if not sizes:
        raise _gone(partition)
    uris = (whole,) if whole in sizes else curated_uris(run, partition, version)
    yield CuratedColumns([RangedFile(run.files, uri, sizes[uri]) for uri in uris])


def _gone(partition: Partition) -> NotFoundError:
    return NotFoundError(
        f"The curated rows of {partition} are not in the workspace any more.",
        hint="`retention.rows` in the spec prunes them; a run of the day takes them in again",
    )


class CuratedColumns:
    """Columns of opened curated rows; their page checksums are verified wherever they are read."""

    def __init__(self, files: Sequence[Path | RangedFile]) -> None:
        self._files = tuple(files)

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return sum(footer.num_rows for footer in self._footers)

    @cached_property
    def _footers(self) -> tuple[pq.FileMetaData, ...]:
        return tuple(map(pq.read_metadata, self._files))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(dict.fromkeys(name for file in self._files for name in pq.read_schema(file).names))

    @cached_property
    def scalars(self) -> tuple[str, ...]:
        """Names of the columns that are no vectors."""
        schemas = [pq.read_schema(file) for file in self._files]
        return tuple(dict.fromkeys(name for schema in schemas for name in scalar_names(schema)))

    def batches(
        self, columns: Collection[str] | None = None, where_there: Collection[str] = (), size: int | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows in batches, in memory that does not grow with them.

        Args:
            columns: the columns to read; by default all.
            where_there: further columns, which may be missing.
            size: most rows of a batch; by default fewer of many columns.
        """
        for file in self._files:
            wanted = _present(file, columns, where_there)
            with pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False) as opened:
                most = size or max(min(_BATCH, _VALUES // max(len(wanted or self.names), 1)), 1)
                for groups in _fetched(file, opened.metadata, wanted):
                    for batch in opened.iter_batches(most, row_groups=groups, columns=wanted):
                        yield pa.Table.from_batches([batch])

    def take(self, positions: Integers, columns: Collection[str]) -> pa.Table:
        """Read columns of the rows at ascending positions, at least one; row groups without any are not read."""
        found, start = [], 0
        for file, footer in zip(self._files, self._footers, strict=True):
            here = _between(positions, start, start + footer.num_rows)
            if len(here):
                found.append(_take(file, footer, here, list(columns)))
            start += footer.num_rows
        return pa.concat_tables(found)

    def table(self, columns: Collection[str] | None = None, where_there: Collection[str] = ()) -> pa.Table:
        """Read the rows at once; see `batches`."""
        tables = [_read(file, columns, where_there) for file in self._files]
        return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")


class OpenedRows(CuratedColumns):
    """Opened curated rows.

    Attributes:
        paths: Local files, in the order of the rows.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self.paths = tuple(paths)


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


def stream_curated(run: Run, partition: Partition, version: str) -> Iterator[pa.Table]:
    """Yield the curated rows of a version in batches."""
    with open_curated(run, partition, version) as rows:
        yield from rows.batches()


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


def _present(
    file: Path | RangedFile, columns: Collection[str] | None, where_there: Collection[str]
) -> list[str] | None:
    if columns is None:
        return None
    held = set(pq.read_schema(file).names)
    return list(dict.fromkeys([*columns, *(name for name in where_there if name in held)]))


def _read(file: Path | RangedFile, columns: Collection[str] | None, where_there: Collection[str]) -> pa.Table:
    if isinstance(file, Path):
        return read_parquet_file(file, columns, where_there)
    wanted = _present(file, columns, where_there)
    with pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False) as opened:
        if wanted == []:
            # joined tables without columns forget how many rows they have
            return opened.read(wanted)
        nothing = opened.read_row_groups([], columns=wanted)
        tables = [opened.read_row_groups(groups, columns=wanted) for groups in _fetched(file, opened.metadata, wanted)]
    return pa.concat_tables([nothing, *tables])


def _take(file: Path | RangedFile, footer: pq.FileMetaData, positions: Integers, columns: list[str]) -> pa.Table:
    ends = np.cumsum([footer.row_group(group).num_rows for group in range(footer.num_row_groups)])
    held = np.unique(np.searchsorted(ends, positions, side="right")).tolist()
    tables = []
    with pq.ParquetFile(file, metadata=footer, page_checksum_verification=True, pre_buffer=False) as opened:
        for groups in _fetched(file, footer, columns, held):
            for group in groups:
                start = int(ends[group]) - footer.row_group(group).num_rows
                here = _between(positions, start, int(ends[group]))
                tables.append(take_rows(opened.read_row_group(group, columns=columns), here))
    return pa.concat_tables(tables)


def _between(positions: Integers, start: int, end: int) -> Integers:
    """Return those of ascending positions that are in a range, counted from its start."""
    return positions[slice(*np.searchsorted(positions, [start, end]))] - start


def _fetched(
    file: Path | RangedFile, found: pq.FileMetaData, columns: list[str] | None, asked: Sequence[int] | None = None
) -> Iterator[list[int]]:
    """Yield row groups that may be read, by default all: of a file that is read in ranges a few at a time, fetched."""
    wanted = list(range(found.num_row_groups) if asked is None else asked)
    if isinstance(file, Path) or columns is None:
        yield from (wanted[first : first + _JOINED] for first in range(0, len(wanted), _JOINED))
        return
    names = set(columns)
    for first in range(0, len(wanted), _FETCHED):
        groups = wanted[first : first + _FETCHED]
        chunks = [found.row_group(group).column(at) for group in groups for at in range(found.num_columns)]
        # the path of an element of a vector begins with its column
        own = [chunk for chunk in chunks if names & {chunk.path_in_schema, chunk.path_in_schema.partition(".")[0]}]
        file.fetch((_start_of(chunk), chunk.total_compressed_size) for chunk in own)
        yield groups


def _start_of(chunk: pq.ColumnChunkMetaData) -> int:
    return int(chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset)
