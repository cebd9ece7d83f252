"""First step of a day whose files are divided into shards: each shard is a task of its own, on any machine.

    plan_shards → read_shard → match_bucket → list_suspects → curate_shard → join_shards

Ids are matched over all shards by hash first and then exactly, like those of a day on one machine: each shard writes
the hashes of its ids, divided into as many buckets as there are shards; one task per bucket finds the hashes that occur
twice; each shard lists the ids and contents of its rows with such a hash; and each shard drops the rows whose id an
earlier row has. What is joined in the end equals what one machine would have made, for any number of shards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.curate import add_reason
from airflow_mlmon.archive.curation.hash_log import find_doubled
from airflow_mlmon.archive.curation.intake import Intake, read_in
from airflow_mlmon.archive.curation.keyed import Keyed, key_of_error, key_of_id
from airflow_mlmon.archive.curation.repeats import KeyOf, RepeatedRows, hash_contents, hash_keys
from airflow_mlmon.archive.curation.spool import Spool
from airflow_mlmon.errors import DataError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.duplicates import Repeats, find_repeats
from airflow_mlmon.pipeline.steps.prepare import list_arrived, source_of
from airflow_mlmon.pipeline.steps.shard_files import CuratedShard, ReadShard, ShardFiles, ShardPlan, write_plan
from airflow_mlmon.pipeline.workspace.operations import profile_request_files
from airflow_mlmon.pipeline.workspace.partition_files import to_parquet
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.id_hashes import IdHashes, write_hashes
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.spec.druid import Engine
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.storage.scratch import scratch_folder

# rows with keys: answers by their ids, and rows with an error status by id and time
ROWS, ERRORS = "rows", "errors"
_KINDS = (ROWS, ERRORS)
# what a shard writes for the join
SCHEMA, READ, QUARANTINE = "schema", "read.json", "quarantine.parquet"
CURATED, DROPPED, FAILED, REPEATS = "curated.json", "dropped.parquet", "failed.parquet", "repeats.parquet"
SAMPLED, PROFILE, REQUESTS, IDS = "sample.parquet", "rows.profile", "requests.profile", "ids.hashes"

_NONE = np.zeros(0, dtype=np.int64)
_SUSPECTS = pa.schema([("position", pa.int64()), ("hash", pa.int64()), ("key", pa.string()), ("content", pa.int64())])
_HASH_BITS = 63
# distinct hashes whose ids are compared at a time; each id takes about 200 bytes
_AT_ONCE = 1 << 20
_MEGABYTE = 1_000_000
# Airflow maps a task at most so often by default
_MOST_SHARDS = 1_000


def plan_shards(run: Run, partition: Partition) -> tuple[str, int]:
    """List the files of a day, and divide them into shards of about the bytes that the spec says.

    Returns:
        The URI of the plan, and the number of shards: at least one.
    """
    run.progress("listing the archive")
    arrived = list_arrived(run, partition)
    assert run.spec.shards is not None  # noqa: S101 - only DAGs of such models plan
    ends = divide_by_size([file.item.size for file in arrived.files], int(run.spec.shards.megabytes * _MEGABYTE))
    plan = ShardPlan(partition=partition, arrived=arrived, ends=tuple(ends))
    return write_plan(run, plan), plan.shards


def divide_by_size(sizes: list[int], most: int) -> list[int]:
    """Divide files into groups of neighbours; return for each the number of the file after its last one.

    >>> divide_by_size([4, 4, 4, 9, 1], 8)
    [2, 3, 4, 5]
    """
    ends: list[int] = []
    size = 0
    most = max(most, 2 * sum(sizes) // _MOST_SHARDS)
    for number, own in enumerate(sizes):
        if size and size + own > most:
            ends.append(number)
            size = 0
        size += own
    return [*ends, len(sizes)]


def read_shard(run: Run, files: ShardFiles, shard: int) -> int:
    """Read the files of a shard, accept or quarantine each row, and write the hashes of all ids by bucket.

    Returns:
        The number of rows accepted, some of which may be duplicates.
    """
    plan = files.plan
    with scratch_folder() as folder:
        run.progress(f"reading shard {shard + 1} of {plan.shards}")
        source = source_of(run, plan.partition, plan.files_of(shard), plan.reach_of(shard))
        intake = read_in(source, run.spec, plan.partition, hash_key=run.hash_key, folder=folder)
        for kind, keyed in zip(_KINDS, (intake.accepted, intake.errors), strict=True):
            files.upload(shard, f"{kind}.parquet", keyed.rows.finish())
            files.upload(shard, f"{kind}.hashes", keyed.hashes)
            for bucket, hashes in enumerate(_divide_hashes(keyed.hashes, plan.shards)):
                files.write(shard, f"{kind}-{bucket:04}.hashes", IdHashes(hashes=hashes).to_bytes())
        files.upload(shard, QUARANTINE, intake.quarantine.finish())
        files.write(shard, SCHEMA, intake.accepted.rows.schema.serialize().to_pybytes())
        files.write(shard, READ, ReadShard(files=intake.files, quarantined=intake.quarantined).to_bytes())
        return intake.accepted.rows.rows


def _divide_hashes(path: Path, buckets: int) -> list[Integers]:
    """Sort hashes into buckets; those of rows without an id are negative, and left out."""
    hashes = np.sort(np.fromfile(path, dtype="<i8").astype(np.int64, copy=False))
    bounds = [(bucket << _HASH_BITS) // buckets for bucket in range(buckets)]
    return np.split(hashes, np.searchsorted(hashes, np.array(bounds, dtype=np.int64)))[1:]


def match_bucket(files: ShardFiles, bucket: int) -> int:
    """Find the hashes of a bucket that several rows have, of one shard or of several.

    Returns:
        Their number.
    """
    number = 0
    for kind in _KINDS:
        hashes = [IdHashes.from_bytes(data).hashes for data in files.read_all(f"{kind}-{bucket:04}.hashes")]
        doubled = find_doubled(np.sort(np.concatenate(hashes)))
        files.write(bucket, f"{kind}.doubled", IdHashes(hashes=doubled).to_bytes())
        number += len(doubled)
    return number


def list_suspects(run: Run, files: ShardFiles, shard: int) -> int:
    """List the ids and the contents of the rows of a shard whose hash other rows have.

    Returns:
        Their number.
    """
    number = 0
    for kind in _KINDS:
        doubled = np.concatenate([IdHashes.from_bytes(data).hashes for data in files.read_all(f"{kind}.doubled")])
        tables = [_SUSPECTS.empty_table()]
        if len(doubled):
            with scratch_folder() as folder:
                keyed = _restore(run, files, shard, kind, folder)
                keys = _key_of(run, kind)
                for table, positions in keyed.rows.blocks(at=keyed.positions_of(doubled)):
                    own = keys(table)
                    columns = [positions, hash_keys(own, 0), own.combine_chunks(), hash_contents(table)]
                    tables.append(pa.table(columns, schema=_SUSPECTS))
        suspects = pa.concat_tables(tables)
        files.write(shard, f"{kind}.suspects", to_parquet(suspects))
        number += suspects.num_rows
    return number


def curate_shard(run: Run, files: ShardFiles, shard: int) -> int:
    """Drop the rows of a shard that repeat an id of the day or of earlier days, and profile the others.

    Returns:
        The number of accepted rows.
    """
    with scratch_folder() as folder:
        accepted, errors = (_restore(run, files, shard, kind, folder) for kind in _KINDS)
        whole = accepted.rows.rows
        dropped = Spool(folder, "dropped")
        dropped.add(add_reason(accepted.rows.schema.empty_table(), ""))
        intake = Intake(accepted, errors, dropped, Counter(), ())
        intake.drop_found(run.spec.id_column, *(_find_repeated(files, shard, kind) for kind in _KINDS))
        distinct = accepted.rows.rows
        repeats = find_repeats(run, files.plan.partition, accepted)
        intake.drop(repeats.reasons)
        rows, failed = accepted.rows.finish(), errors.rows.finish()
        name = f"{ROWS}.parquet"
        if accepted.rows.rows < whole or accepted.rows.schema != pa.ipc.read_schema(
            pa.py_buffer(files.read(shard, SCHEMA))
        ):
            name = "curated.parquet"
            files.upload(shard, name, rows)
        files.upload(shard, DROPPED, dropped.finish())
        files.upload(shard, FAILED, failed)
        files.write(shard, SAMPLED, to_parquet(accepted.sample()))
        files.write(shard, REPEATS, to_parquet(_list_repeats(repeats)))
        if (requests := profile_request_files(run, rows, failed)) is not None:
            files.write(shard, REQUESTS, requests.to_bytes())
        if run.spec.duplicates is not None:
            write_hashes(folder / IDS, accepted.ranges(), accepted.rows.rows)
            files.upload(shard, IDS, folder / IDS)
        if run.spec.druid.engine is Engine.LOCAL:
            run.progress("profiling")
            schema = ensure_reference(run, files.plan.partition.day).schema
            files.write(shard, PROFILE, profile_parquet([rows], schema, clock=run.clock).to_bytes())
        curated = CuratedShard(
            rows=name,
            distinct=distinct,
            accepted=accepted.rows.rows,
            errors=errors.rows.rows,
            quarantined=dict(intake.quarantined),
            versions={day.key: version for day, version in repeats.versions.items()},
            problem=repeats.problem,
        )
        files.write(shard, CURATED, curated.to_bytes())
        return curated.accepted


def _key_of(run: Run, kind: str) -> KeyOf:
    return key_of_id(run.spec) if kind == ROWS else key_of_error(run.spec)


def _restore(run: Run, files: ShardFiles, shard: int, kind: str, folder: Path) -> Keyed:
    """Take up the rows that a shard has read, in the types that the columns have over all shards."""
    paths = [
        files.copy_to(shard, f"{kind}.{ending}", folder / f"read-{kind}.{ending}") for ending in ("parquet", "hashes")
    ]
    found = Keyed.restore(folder, kind, _key_of(run, kind), *paths)
    schema = unify_schemas(files)
    if found.rows.schema == schema:
        return found
    widened = Keyed(folder, f"wide-{kind}", _key_of(run, kind))
    widened.add(schema.empty_table())
    for table, _ in found.rows.blocks():
        widened.add(table.cast(schema))
    widened.rows.finish()
    return widened


def unify_schemas(files: ShardFiles) -> pa.Schema:
    """Return the types of the columns over all shards.

    Raises:
        DataError: decimals of two shards together exceed the digits of a decimal.
    """
    schemas = [pa.ipc.read_schema(pa.py_buffer(data)) for data in files.read_all(SCHEMA)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"The columns of the day's shards have types that do not go together: {error}",
            hint="remove `shards` from the spec: what is read later is then refused value by value",
        ) from error


def _find_repeated(files: ShardFiles, shard: int, kind: str) -> RepeatedRows:
    """Find the rows of a shard of which an earlier row, of this shard or of one before it, has the key."""
    suspects = _read_suspects(files, shard, kind)
    hashes = np.unique(suspects.column("hash").to_numpy())
    equal, other = [_NONE], [_NONE]
    for start in range(0, len(hashes), _AT_ONCE):
        some = hashes[start : start + _AT_ONCE]
        first: dict[str, int] = {}
        for earlier in range(shard):
            for _, key, content in _iterate(_read_suspects(files, earlier, kind), some):
                first.setdefault(key, content)
        for position, key, content in _iterate(suspects, some):
            if key not in first:
                first[key] = content
            else:
                (equal if first[key] == content else other).append(np.array([position]))
    return RepeatedRows(np.sort(np.concatenate(equal)), np.sort(np.concatenate(other)))


def _read_suspects(files: ShardFiles, shard: int, kind: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(files.read(shard, f"{kind}.suspects")), page_checksum_verification=True)


def _iterate(suspects: pa.Table, hashes: Integers) -> Iterator[tuple[int, str, int]]:
    found = suspects.filter(pa.array(np.isin(suspects.column("hash").to_numpy(), hashes)))
    return zip(*(found.column(name).to_pylist() for name in ("position", "key", "content")), strict=True)


def _list_repeats(repeats: Repeats) -> pa.Table:
    days = [np.repeat(str(day), len(positions)) for day, positions in repeats.rows.items()]
    columns = [np.concatenate([np.zeros(0, dtype=str), *days]), np.concatenate([_NONE, *repeats.rows.values()])]
    return pa.table([pa.array(columns[0].tolist(), pa.string()), columns[1]], names=["day", "position"])
