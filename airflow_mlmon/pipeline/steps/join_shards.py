"""Join of a day whose shards are curated: one version, as if one machine had read all of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.archive.curation.curate import add_reason
from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.intake import duplicate_reasons
from airflow_mlmon.archive.curation.manifest import Manifest
from airflow_mlmon.archive.curation.reasons import LISTED_TWICE
from airflow_mlmon.archive.curation.repeats import hash_keys
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.archive.envelopes.reserved import REASON
from airflow_mlmon.errors import PartitionConflictError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.duplicates import Repeats, keep_id_hashes
from airflow_mlmon.pipeline.steps.prepare import Prepared, account_for, summarise
from airflow_mlmon.pipeline.steps.shard_files import CuratedShard, ReadShard, ShardFiles
from airflow_mlmon.pipeline.steps.shards import (
    CURATED,
    DROPPED,
    FAILED,
    IDS,
    PROFILE,
    QUARANTINE,
    READ,
    REPEATS,
    REQUESTS,
    SAMPLED,
    unify_schemas,
)
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.operations import keep_operations
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, SAMPLE, profile_uri, to_parquet
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.hash_sample import HashSample
from airflow_mlmon.profiles.engine.id_hashes import IdHashes
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.spec.druid import Engine
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tasks.operations import operational_schema
from airflow_mlmon.tracing import TracedPool

_COPIES = 8


def join_shards(run: Run, files: ShardFiles) -> Prepared:
    """Sum up what the shards have found, write the version of the day, and receive the day's delivery of labels.

    Raises:
        PartitionConflictError: an earlier day was published while the shards were searched for its ids.
    """
    plan = files.plan
    run.progress(f"joining {plan.shards} shards")
    read = [ReadShard.from_bytes(data) for data in files.read_all(READ)]
    curated = [CuratedShard.from_bytes(data) for data in files.read_all(CURATED)]
    repeats = _sum_repeats(run, files, curated)
    quarantined: Counter[str] = Counter()
    for counts in (shard.quarantined for shards in (read, curated) for shard in shards):
        quarantined.update(counts)
    errors = sum(shard.errors for shard in curated)
    manifest = account_for(
        run,
        plan.partition,
        plan.arrived,
        [file for shard in read for file in shard.files],
        rows_accepted=sum(shard.accepted for shard in curated) + errors,
        rows_errors=errors,
        quarantined=dict(quarantined),
        repeats=repeats.digest,
        shards=plan.shards,
    )
    with scratch_folder() as folder:
        _write(run, files, manifest, curated, folder)
    prepared = summarise(run, manifest, plan.arrived, repeats)
    files.delete()
    return prepared


def _sum_repeats(run: Run, files: ShardFiles, curated: Sequence[CuratedShard]) -> Repeats:
    """Number the rows of ids of earlier days over all shards."""
    searched = [shard for shard in curated if shard.distinct]
    if any(shard.versions != searched[0].versions for shard in searched):
        raise PartitionConflictError(
            "An earlier day was published while its ids were searched.",
            hint="clear the task plan_shards and those after it",
        )
    rows: dict[date, list[Positions]] = {}
    before = 0
    for shard, data in zip(curated, files.read_all(REPEATS), strict=True):
        table = pq.read_table(pa.BufferReader(data))
        for day in pc.unique(table.column("day")).to_pylist():
            positions = table.filter(pc.equal(table.column("day"), day)).column("position").to_numpy()
            rows.setdefault(date.fromisoformat(day), []).append(before + positions)
        before += shard.distinct
    return Repeats(
        rows={day: np.concatenate(parts) for day, parts in sorted(rows.items())},
        versions={run.partition(day): version for day, version in searched[0].versions.items()} if searched else {},
        problem=searched[0].problem if searched else "",
    )


def _write(run: Run, files: ShardFiles, manifest: Manifest, curated: Sequence[CuratedShard], folder: Path) -> None:
    """Write the rows, and the files that later steps need, like those of a day that was not divided."""
    partition, version, shards = manifest.partition, manifest.version, manifest.shards
    targets = [curated_uri(run, partition, version, shard, shards) for shard in range(shards)]
    sources = [files.uri(number, shard.rows) for number, shard in enumerate(curated)]
    with TracedPool(_COPIES) as pool:
        list(pool.map(run.files.copy, sources, targets))
    schema = unify_schemas(files)
    quarantine = _collect_quarantine(run, files, curated, schema, folder)
    run.files.upload(run.version_uri(partition, version, "quarantine.parquet"), quarantine)
    if run.spec.operational is not None:
        failed = Spool(folder, "failed")
        failed.add(schema.empty_table())
        for shard in range(shards):
            for table in _blocks(files, shard, FAILED, folder):
                failed.add(table)
        parts = map(Profile.from_bytes, files.read_all(REQUESTS))
        requests = sum_profiles(operational_schema(run.spec), parts)
        keep_operations(run, partition, version, requests, failed.finish())
    if run.spec.duplicates is not None:
        hashes = HashLog(folder / "ids.hashes")
        for data in files.read_all(IDS):
            hashes.add(IdHashes.from_bytes(data).hashes)
        keep_id_hashes(run, partition, version, hashes.ranges(), hashes.rows)
    if run.spec.druid.engine is Engine.LOCAL:
        pinned = ensure_reference(run, partition.day).schema
        profile = sum_profiles(pinned, map(Profile.from_bytes, files.read_all(PROFILE)))
        run.files.write(profile_uri(run, partition, version, pinned.id), profile.to_bytes())
    run.files.write(run.version_uri(partition, version, SAMPLE), to_parquet(_draw_sample(run, files)))
    # written last: if the manifest exists, so do the other files
    run.files.write(run.version_uri(partition, version, MANIFEST), manifest.to_json().encode())


def _collect_quarantine(
    run: Run, files: ShardFiles, curated: Sequence[CuratedShard], schema: pa.Schema, folder: Path
) -> Path:
    """Collect the quarantined rows in the order of a day that was not divided: as read, then as dropped."""
    quarantine = Spool(folder, "quarantine")
    quarantine.add(add_reason(schema.empty_table(), ""))
    for number in range(len(curated)):
        for table in _blocks(files, number, QUARANTINE, folder):
            quarantine.add(table)
    found = {reason for shard in curated for reason in shard.quarantined}
    within = [reason for reason in (*duplicate_reasons(run.spec.id_column), LISTED_TWICE) if reason in found]
    for reason in (*within, *sorted(found.difference(within))):
        for number, shard in enumerate(curated):
            for table in _blocks(files, number, DROPPED, folder) if reason in shard.quarantined else ():
                quarantine.add(table.filter(pc.equal(table.column(REASON), reason)))
    return quarantine.finish()


def _blocks(files: ShardFiles, shard: int, name: str, folder: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(files.copy_to(shard, name, folder / name), page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def _draw_sample(run: Run, files: ShardFiles) -> pa.Table:
    sample = HashSample()
    for data in files.read_all(SAMPLED):
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        sample.add(table, hash_keys(table.column(run.spec.id_column), 0))
    return sample.table()
