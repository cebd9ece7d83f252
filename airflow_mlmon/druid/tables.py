"""Rows of a partition that are ingested into Druid."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from airflow_mlmon.druid.ingestion import Datasource
from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import MetricValue


def select_columns(table: pa.Table, datasource: Datasource) -> pa.Table:
    """Select the columns of the curated partition that the datasource has; personal ones are left out."""
    names = [datasource.time_column, *(dimension.name for dimension in datasource.dimensions)]
    if absent := [name for name in names if name not in table.column_names]:
        raise SchemaMismatchError(f"The rows for {datasource.name} lack column {absent[0]!r}.")
    return table.select(names)


def build_metrics_table(partition: Partition, metrics: Iterable[MetricValue]) -> pa.Table:
    """Convert the metrics of a partition to rows of `<model>_metrics`; a value that does not exist is null."""
    rows = [
        {
            "time": partition.start,
            "metric": metric.metric,
            "column": metric.column,
            "segment": metric.segment,
            "value": metric.value,
            "rows": metric.rows,
            "low": metric.low,
            "high": metric.high,
            "constant": metric.constant,
        }
        for metric in metrics
    ]
    schema = pa.schema(
        [
            ("time", pa.timestamp("us", "UTC")),
            ("metric", pa.string()),
            ("column", pa.string()),
            ("segment", pa.string()),
            ("value", pa.float64()),
            ("rows", pa.int64()),
            *((name, pa.float64()) for name in ("low", "high", "constant")),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
