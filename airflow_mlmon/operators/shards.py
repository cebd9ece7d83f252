"""Operators of a day whose files are divided: they take the place of the operator that prepares the partition."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airflow_mlmon.operators.base import PartitionOperator
from airflow_mlmon.operators.steps import PreparePartitionOperator, redo_and_describe
from airflow_mlmon.partition import Partition

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.pipeline.steps.shard_files import ShardFiles


class PlanShardsOperator(PartitionOperator):
    """Divide the files of a day into shards, once the days that it is compared with are there."""

    def run_step(self, run: Run, partition: Partition, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return the shards, by which the next tasks are mapped."""
        from airflow_mlmon.pipeline.steps.profile import fill_days_before  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.shards import plan_shards  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.reference import ensure_reference  # noqa: PLC0415 - heavy

        # each shard needs the reference
        fill_days_before(run, ensure_reference(run, partition.day), partition)
        plan, shards = plan_shards(run, partition)
        return [{"plan": plan, "shard": shard} for shard in range(shards)]


class _ShardOperator(PartitionOperator):
    """Step of one shard, or of one bucket of ids.

    Args:
        shard: one of what `PlanShardsOperator` returned.
    """

    template_fields: Sequence[str] = ("partition", "spec_path", "shard")

    def __init__(self, *, shard: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shard = shard

    def run_step(self, run: Run, partition: Partition, context: Context) -> int:  # noqa: ARG002
        """Return the number of rows that the step is about."""
        from airflow_mlmon.pipeline.steps.shard_files import ShardFiles  # noqa: PLC0415 - heavy

        return self.run_shard(run, ShardFiles(run, self.shard["plan"]), self.shard["shard"])

    @abstractmethod
    def run_shard(self, run: Run, files: ShardFiles, shard: int) -> int:
        """Run the step, and return the number of rows that it is about."""


class ReadShardOperator(_ShardOperator):
    """Read the files of a shard, and accept or quarantine each row."""

    def run_shard(self, run: Run, files: ShardFiles, shard: int) -> int:
        """Return the number of rows accepted, some of which may be duplicates."""
        from airflow_mlmon.pipeline.steps.shards import read_shard  # noqa: PLC0415 - heavy

        return read_shard(run, files, shard)


class MatchIdsOperator(_ShardOperator):
    """Find the ids of a bucket that may occur twice, in one shard or in several."""

    def run_shard(self, run: Run, files: ShardFiles, shard: int) -> int:  # noqa: ARG002 - that of the others
        """Return the number of hashes that occur twice."""
        from airflow_mlmon.pipeline.steps.shards import match_bucket  # noqa: PLC0415 - heavy

        return match_bucket(files, shard)


class ListSuspectsOperator(_ShardOperator):
    """List the rows of a shard whose ids may occur twice."""

    def run_shard(self, run: Run, files: ShardFiles, shard: int) -> int:
        """Return their number."""
        from airflow_mlmon.pipeline.steps.shards import list_suspects  # noqa: PLC0415 - heavy

        return list_suspects(run, files, shard)


class CurateShardOperator(_ShardOperator):
    """Drop the rows of a shard that repeat an id, and profile the others."""

    def run_shard(self, run: Run, files: ShardFiles, shard: int) -> int:
        """Return the number of accepted rows."""
        from airflow_mlmon.pipeline.steps.shards import curate_shard  # noqa: PLC0415 - heavy

        return curate_shard(run, files, shard)


class JoinShardsOperator(PreparePartitionOperator):
    """Join the shards of a day to a partition, ingest the day's labels, and redo days that lack rows of its folder.

    Args:
        shards: what `PlanShardsOperator` returned.
    """

    template_fields: Sequence[str] = ("partition", "spec_path", "shards")

    def __init__(self, *, shards: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shards = shards

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return counts, status and content version of the partition."""
        from airflow_mlmon.pipeline.steps.join_shards import join_shards  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.shard_files import ShardFiles  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.telemetry import note, observing  # noqa: PLC0415 - heavy

        with observing(run, partition, "prepare_partition"):
            prepared = join_shards(run, ShardFiles(run, self.shards[0]["plan"]))
            note(rows=prepared.rows_read)
        return redo_and_describe(run, prepared)
