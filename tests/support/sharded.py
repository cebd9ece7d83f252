"""A day in shards, each of its tasks run here, the last shard first."""

from __future__ import annotations

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.join_shards import join_shards
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.shard_files import ShardFiles
from airflow_mlmon.pipeline.steps.shards import curate_shard, list_suspects, match_bucket, plan_shards, read_shard


def plan(run: Run, partition: Partition) -> ShardFiles:
    """Divide a day."""
    return ShardFiles(run, plan_shards(run, partition)[0])


def work(run: Run, files: ShardFiles) -> Prepared:
    """Run the tasks of all shards, and join them."""
    numbers = range(files.plan.shards - 1, -1, -1)
    for number in numbers:
        read_shard(run, files, number)
    for number in numbers:
        match_bucket(files, number)
    for number in numbers:
        list_suspects(run, files, number)
    for number in numbers:
        curate_shard(run, files, number)
    return join_shards(run, files)


def prepare_in_shards(run: Run, partition: Partition) -> Prepared:
    """Prepare a day as `prepare_partition` does."""
    return work(run, plan(run, partition))
