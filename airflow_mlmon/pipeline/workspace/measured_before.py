"""What was measured of rows that were pruned since: those of a version never change, and neither does this."""

from __future__ import annotations

from collections.abc import Collection

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import MetricValue


def measured_before(run: Run, partition: Partition, version: str, names: Collection[str]) -> list[MetricValue]:
    """Return metrics of a version of a day that the store has; none if they were pruned too.

    Raises:
        NotFoundError: another version is served, of which the stored metrics are.
    """
    state = run.store.state(partition)
    if state is None or state.version != version:
        raise NotFoundError(
            f"The curated rows of {partition} are not in the workspace any more.", hint="run the day again"
        )
    return [value for value in run.store.metric_values(partition) if value.metric in names]
