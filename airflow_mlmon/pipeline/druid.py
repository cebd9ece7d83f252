"""The step of Druid: the curated partition and its metrics, replaced as a whole and seen served."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import Datasource, metrics_datasource, predictions_datasource
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import DruidLoad, load_partition
from airflow_mlmon.druid.tables import metrics_table, select_columns
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.partition_files import read_scalars

# Druid reads its input soon after the task is submitted, but may have to wait for a free worker.
_URL_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    run: Run
    client: DruidClient
    clear_number: int
    on_submitted: Callable[[str], None] | None


def ingest_partition(
    run: Run,
    client: DruidClient,
    partition: Partition,
    version: str,
    days: Iterable[Partition],
    *,
    clear_number: int = 0,
    on_submitted: Callable[[str], None] | None = None,
) -> dict[str, DruidLoad]:
    """Load the partition's rows, and the metrics of every day whose results were replaced.

    Returns:
        By datasource and day, what Druid serves now.
    """
    target = _Target(run=run, client=client, clear_number=clear_number, on_submitted=on_submitted)
    rows = read_scalars(run, partition, version)
    source = predictions_datasource(run.spec)
    table = select_columns(rows, source)
    loads = {f"{source.name} {partition.key}": _load(target, source, partition, table)}
    for day in days:
        source = metrics_datasource(run.spec)
        table = metrics_table(day, run.store.metric_values(day))
        loads[f"{source.name} {day.key}"] = _load(target, source, day, table)
    return loads


def _load(target: _Target, datasource: Datasource, partition: Partition, table: pa.Table) -> DruidLoad:
    run = target.run
    without = f", without the vectors {', '.join(datasource.left_out)}" if datasource.left_out else ""
    run.progress(f"loading {table.num_rows} rows into {datasource.name}{without}")
    content = write_json_lines(table)
    version = hashlib.sha256(content).hexdigest()[:12]
    uri = run.uri("druid", datasource.name, partition.key, f"{version}.json.gz")
    run.files.write(uri, content)
    return load_partition(
        target.client,
        datasource=datasource,
        partition=partition,
        input_urls=[run.files.url(uri, seconds=_URL_SECONDS)],
        rows=table.num_rows,
        version=version,
        clear_number=target.clear_number,
        on_submitted=target.on_submitted,
    )
