"""Builds Druid's native batch tasks: pure, no I/O.

A task replaces exactly the interval of one partition: `index_parallel`, day segments, no rollup,
every column named with its type, no bad row forgiven.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from airflow_mlmon.druid.inputs import input_format, input_source
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import DAY, Partition
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.druid import DruidIngestion
from airflow_mlmon.spec.model import ModelSpec

CONTENT_COLUMN = "mlmon_content"
TIME_COLUMN = "__time"
_RESERVED = {CONTENT_COLUMN, TIME_COLUMN}
_ID_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_MIDNIGHT = timedelta(0)
# Druid's own prefix of the tasks that SQL starts
SQL_TASK = "query-"


class DimensionType(StrEnum):
    """How Druid stores the values of a column."""

    STRING = "string"
    LONG = "long"
    DOUBLE = "double"


# booleans are written as 0 and 1, so that their mean is a share
_TYPES = {
    ColumnType.FLOAT: DimensionType.DOUBLE,
    ColumnType.INTEGER: DimensionType.LONG,
    # travels as text, which Druid reads as the nearest double
    ColumnType.DECIMAL: DimensionType.DOUBLE,
    ColumnType.BOOLEAN: DimensionType.LONG,
    ColumnType.STRING: DimensionType.STRING,
    ColumnType.CATEGORY: DimensionType.STRING,
    ColumnType.TIMESTAMP: DimensionType.STRING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One column of a datasource; `is_indexed` False saves the bitmap of a column of ids."""

    name: str
    type: DimensionType
    is_indexed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasource:
    """A table in Druid: its name, the input's column of the time, and its other columns.

    Each row also gets the column `mlmon_content`, the version of the content that it came with:
    by it the broker shows that it serves this load, not an earlier one of as many rows.
    `left_out` names the vectors, which Druid has no column for.
    """

    name: str
    time_column: str
    dimensions: tuple[Dimension, ...]
    left_out: tuple[str, ...] = ()


def predictions_datasource(spec: ModelSpec) -> Datasource:
    """`<model>_predictions`: features, score, class, version, id, label; no personal or ignored column, no vector."""
    dimensions = [
        Dimension(name=name, type=_TYPES[column.type], is_indexed=column.role is not Role.ID)
        for name, column in spec.columns.items()
        if _is_loaded(column)
    ]
    if spec.labels is not None:
        dimensions.append(Dimension(name=spec.labels.label, type=_TYPES[ColumnType.BOOLEAN]))
    if taken := sorted(_RESERVED & {dimension.name for dimension in dimensions}):
        raise ConfigError(f"The column name {taken[0]!r} is kept for Druid.", hint="rename the column in the archive")
    return Datasource(
        name=f"{spec.model}_predictions",
        time_column=spec.time_column,
        dimensions=tuple(dimensions),
        left_out=spec.vectors,
    )


def metrics_datasource(spec: ModelSpec) -> Datasource:
    """`<model>_metrics`: metric, column, segment, value and rows, at the start of their partition."""
    return Datasource(
        name=f"{spec.model}_metrics",
        time_column="time",
        dimensions=(
            Dimension(name="metric", type=DimensionType.STRING),
            Dimension(name="column", type=DimensionType.STRING),
            Dimension(name="segment", type=DimensionType.STRING),
            Dimension(name="value", type=DimensionType.DOUBLE),
            Dimension(name="rows", type=DimensionType.LONG),
        ),
    )


def profiles_datasource(spec: ModelSpec) -> Datasource:
    """`<model>_profiles`: how many rows of a column, and segment, have a value or lie in a cell."""
    text, number, whole = DimensionType.STRING, DimensionType.DOUBLE, DimensionType.LONG
    types = {"column": text, "segment": text, "kind": text, "value": text, "number": number, "cell": whole}
    types |= {"low": number, "high": number, "count": whole, "layout": text, "version": text}
    return Datasource(
        name=f"{spec.model}_profiles",
        time_column="time",
        dimensions=tuple(Dimension(name=name, type=kind) for name, kind in types.items()),
    )


def profiled_columns(spec: ModelSpec) -> frozenset[str]:
    """The columns whose counts are loaded: vectors are among them, by their norms."""
    return frozenset(name for name, column in spec.columns.items() if _is_open(column))


def _is_loaded(column: Column) -> bool:
    return _is_open(column) and column.role is not Role.TIME and column.type is not ColumnType.VECTOR


def _is_open(column: Column) -> bool:
    return column.personal is None and column.role is not Role.IGNORED


def druid_time(moment: datetime) -> str:
    """A moment as Druid writes it, to the millisecond.

    >>> druid_time(datetime(2013, 3, 8, tzinfo=UTC))
    '2013-03-08T00:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def druid_interval(partition: Partition) -> str:
    """The interval of a partition, which must be of whole days: segments are.

    >>> from datetime import date
    >>> druid_interval(Partition.of_day("flights", date(2013, 3, 8)))
    '2013-03-08T00:00:00.000Z/2013-03-09T00:00:00.000Z'
    """
    start, end = whole_days(partition)
    return f"{druid_time(start)}/{druid_time(end)}"


def whole_days(partition: Partition) -> tuple[datetime, datetime]:
    """Start and end of a partition, which both are at midnight.

    Raises:
        ConfigError: they are not.
    """
    for moment in (partition.start, partition.end):
        if (moment - datetime.min.replace(tzinfo=UTC)) % DAY != _MIDNIGHT:
            raise ConfigError(f"{partition} does not begin and end at midnight UTC, as Druid's day segments do.")
    return partition.start, partition.end


def task_id(
    datasource: str,
    partition: Partition,
    *,
    version: str,
    clear_number: int,
    attempt: int,
    ingestion: DruidIngestion = DruidIngestion.NATIVE,
) -> str:
    """The id of a load: the same load has the same id, whoever starts it.

    >>> from datetime import date
    >>> day = Partition.of_day("flights", date(2013, 3, 8))
    >>> task_id("flights_metrics", day, version="4f1c", clear_number=0, attempt=1)
    'mlmon.flights_metrics.2013-03-08.4f1c.c0.n1'
    """
    if not _ID_PART.fullmatch(version):
        raise ConfigError(f"{version!r} cannot be part of a task's id.", hint="use letters, digits, '.', '_' and '-'")
    days = partition.key
    if partition.end - partition.start != DAY:
        days = f"{days}_{partition.end.date().isoformat()}"
    prefix = SQL_TASK if ingestion is DruidIngestion.SQL else ""
    return f"{prefix}mlmon.{datasource}.{days}.{version}.c{clear_number}.n{attempt}"


def ingestion_task(
    task_id: str, datasource: Datasource, partition: Partition, *, input_urls: Sequence[str], version: str
) -> dict[str, Any]:
    """The task that puts the rows of `input_urls` in the place of the partition's.

    The input is JSON Lines by gzip, or Parquet, by the ends of the names: at http or https URLs that Druid
    can read (presigned ones need no extension and no keys in Druid), at s3:// addresses, or at
    file:// URLs and paths, which works where Druid's workers see the same disk.
    """
    return {
        "type": "index_parallel",
        "id": task_id,
        "spec": {
            "dataSchema": {
                "dataSource": datasource.name,
                "timestampSpec": {"column": datasource.time_column, "format": "iso"},
                "dimensionsSpec": {
                    "dimensions": [
                        *(_dimension(dimension) for dimension in datasource.dimensions),
                        {"type": "string", "name": CONTENT_COLUMN},
                    ]
                },
                "transformSpec": {
                    "transforms": [
                        {"type": "expression", "name": CONTENT_COLUMN, "expression": f"'{version}'"},
                        {"type": "expression", "name": TIME_COLUMN, "expression": _time_within(partition)},
                    ]
                },
                "metricsSpec": [],
                "granularitySpec": {
                    "type": "uniform",
                    "segmentGranularity": "DAY",
                    "queryGranularity": "NONE",
                    "rollup": False,
                    "intervals": [druid_interval(partition)],
                },
            },
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": input_source(input_urls),
                "inputFormat": input_format(input_urls),
                "appendToExisting": False,
                # an input that turns out empty must not empty the day; of several days some may have no rows
                "dropExisting": partition.end - partition.start != DAY,
            },
            "tuningConfig": {
                "type": "index_parallel",
                "maxNumConcurrentSubTasks": 1,
                "partitionsSpec": {"type": "dynamic"},
                "maxParseExceptions": 0,
                # the rows that it would keep in its report are not for everybody's eyes
                "maxSavedParseExceptions": 0,
                "logParseExceptions": False,
            },
        },
    }


def _time_within(partition: Partition) -> str:
    """The time of a row, or for one outside the partition a division by zero.

    Druid throws such rows away, publishes the others, and calls that a success; an error makes the
    task fail before it publishes anything.
    """
    start, end = (int(moment.timestamp() * 1000) for moment in whole_days(partition))
    return f"__time * div(1, __time >= {start} && __time < {end})"


def _dimension(dimension: Dimension) -> dict[str, Any]:
    if dimension.type is DimensionType.STRING:
        return {"type": "string", "name": dimension.name, "createBitmapIndex": dimension.is_indexed}
    return {"type": dimension.type.value, "name": dimension.name}
