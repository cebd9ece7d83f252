"""Druid's native batch tasks; pure, no I/O.

A task replaces exactly the interval of one partition: `index_parallel`, day segments, no rollup, every column
named with its type, no bad row accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from airflow_mlmon.druid.inputs import build_input_format, build_input_source
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import DEFAULT_ZONE, Partition, day_of, start_of
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.druid import DruidIngestion
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.registry import task_of

CONTENT_COLUMN = "mlmon_content"
TIME_COLUMN = "__time"
_RESERVED = {CONTENT_COLUMN, TIME_COLUMN}
# nearly every value is another
_UNINDEXED = (Role.ID, Role.TRACE)
_ID_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
# Druid's own prefix of SQL tasks
SQL_TASK = "query-"


class DimensionType(StrEnum):
    """Druid type of a column."""

    STRING = "string"
    LONG = "long"
    DOUBLE = "double"


# booleans are written as 0 and 1, so that their mean is a rate
_TYPES = {
    ColumnType.FLOAT: DimensionType.DOUBLE,
    ColumnType.INTEGER: DimensionType.LONG,
    # written as text, which Druid reads as the nearest double
    ColumnType.DECIMAL: DimensionType.DOUBLE,
    ColumnType.BOOLEAN: DimensionType.LONG,
    ColumnType.STRING: DimensionType.STRING,
    ColumnType.CATEGORY: DimensionType.STRING,
    ColumnType.TIMESTAMP: DimensionType.STRING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """Column of a datasource; `is_indexed` False saves the bitmap of an id column."""

    name: str
    type: DimensionType
    is_indexed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasource:
    """Druid datasource: its name, the time column of the input, and its other columns.

    Each row also gets the column `mlmon_content`, the version of its content: it proves that the broker serves this
    ingestion, not an earlier one with as many rows. `left_out` names the vectors, for which Druid has no type.
    """

    name: str
    time_column: str
    dimensions: tuple[Dimension, ...]
    left_out: tuple[str, ...] = ()


def build_predictions_datasource(spec: ModelSpec) -> Datasource:
    """Return `<model>_predictions`: features, score, class, version, id, label; no personal column or vector."""
    dimensions = [
        Dimension(name=name, type=_TYPES[column.type], is_indexed=column.role not in _UNINDEXED)
        for name, column in spec.columns.items()
        if _is_loaded(column)
    ]
    if spec.labels is not None:
        dimensions.append(Dimension(name=spec.labels.label, type=_TYPES[task_of(spec).label_type]))
    if taken := sorted(_RESERVED & {dimension.name for dimension in dimensions}):
        raise ConfigError(
            f"The column name {taken[0]!r} is reserved in Druid.", hint="rename the column in the archive"
        )
    return Datasource(
        name=f"{spec.model}_predictions",
        time_column=spec.time_column,
        dimensions=tuple(dimensions),
        left_out=spec.vectors,
    )


def build_metrics_datasource(spec: ModelSpec) -> Datasource:
    """Return `<model>_metrics`: each value with its subject and its rows, at the start of its partition."""
    return Datasource(
        name=f"{spec.model}_metrics",
        time_column="time",
        dimensions=(
            Dimension(name="metric", type=DimensionType.STRING),
            Dimension(name="column", type=DimensionType.STRING),
            Dimension(name="segment", type=DimensionType.STRING),
            Dimension(name="value", type=DimensionType.DOUBLE),
            Dimension(name="rows", type=DimensionType.LONG),
            *(Dimension(name=name, type=DimensionType.DOUBLE) for name in ("low", "high", "constant")),
        ),
    )


def build_profiles_datasource(spec: ModelSpec) -> Datasource:
    """Return `<model>_profiles`: row counts of columns, and segments, by value or cell."""
    text, number, whole = DimensionType.STRING, DimensionType.DOUBLE, DimensionType.LONG
    types = {"column": text, "segment": text, "kind": text, "value": text, "number": number, "cell": whole}
    types |= {"low": number, "high": number, "count": whole, "schema": text, "version": text}
    return Datasource(
        name=f"{spec.model}_profiles",
        time_column="time",
        dimensions=tuple(Dimension(name=name, type=kind) for name, kind in types.items()),
    )


def select_profiled_columns(spec: ModelSpec) -> frozenset[str]:
    """Return the columns whose counts are ingested; vectors are among them, by their norms, and derived ones."""
    shown = {name for name, column in spec.columns.items() if _is_open(column)}
    return frozenset(shown.union(name for name, source in spec.derived.items() if source in shown))


def _is_loaded(column: Column) -> bool:
    return _is_open(column) and column.role is not Role.TIME and column.type is not ColumnType.VECTOR


def _is_open(column: Column) -> bool:
    return column.personal is None and column.role is not Role.IGNORED


def format_druid_time(moment: datetime) -> str:
    """Format a moment as Druid does, in milliseconds.

    >>> format_druid_time(datetime(2013, 3, 8, tzinfo=UTC))
    '2013-03-08T00:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_druid_interval(partition: Partition) -> str:
    """Format the interval of a partition, which must cover whole days because segments do.

    >>> from datetime import date
    >>> format_druid_interval(Partition.of_day("flights", date(2013, 3, 8)))
    '2013-03-08T00:00:00.000Z/2013-03-09T00:00:00.000Z'
    """
    start, end = check_whole_days(partition)
    return f"{format_druid_time(start)}/{format_druid_time(end)}"


def check_whole_days(partition: Partition) -> tuple[datetime, datetime]:
    """Return start and end of a partition, both at midnight in its zone.

    Raises:
        ConfigError: they are not.
    """
    zone = partition.zone
    for moment in (partition.start, partition.end):
        if moment != start_of(day_of(moment, zone), zone):
            raise ConfigError(f"{partition} must begin and end at midnight in {zone}, like Druid's day segments.")
    return partition.start, partition.end


def segment_granularity(zone: str) -> str | dict[str, str]:
    """Return the granularity of segments that are the days of a zone."""
    return "DAY" if zone == DEFAULT_ZONE else {"type": "period", "period": "P1D", "timeZone": zone}


def task_id(
    datasource: str,
    partition: Partition,
    *,
    version: str,
    clear_number: int,
    attempt: int,
    ingestion: DruidIngestion = DruidIngestion.NATIVE,
) -> str:
    """Build the id of an ingestion; the same ingestion has the same id, whoever starts it.

    >>> from datetime import date
    >>> day = Partition.of_day("flights", date(2013, 3, 8))
    >>> task_id("flights_metrics", day, version="4f1c", clear_number=0, attempt=1)
    'mlmon.flights_metrics.2013-03-08.4f1c.c0.n1'
    """
    if not _ID_PART.fullmatch(version):
        raise ConfigError(
            f"Version {version!r} cannot be part of a task id.", hint="use letters, digits, '.', '_' and '-'"
        )
    days = partition.key
    if not partition.is_one_day:
        days = f"{days}_{day_of(partition.end, partition.zone).isoformat()}"
    prefix = SQL_TASK if ingestion is DruidIngestion.SQL else ""
    return f"{prefix}mlmon.{datasource}.{days}.{version}.c{clear_number}.n{attempt}"


def build_ingestion_task(
    task_id: str,
    datasource: Datasource,
    partition: Partition,
    *,
    input_urls: Sequence[str],
    version: str,
    workers: int = 1,
) -> dict[str, Any]:
    """Build the task that replaces the partition's rows by those of `input_urls`, of which each worker reads some.

    The input is gzipped JSON Lines, or Parquet, by file name: at http or https URLs that Druid can read (presigned
    ones need neither extension nor credentials in Druid), at s3:// URIs, or at file:// URLs and paths if Druid's
    workers see the same disk.
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
                    "segmentGranularity": segment_granularity(partition.zone),
                    "queryGranularity": "NONE",
                    "rollup": False,
                    "intervals": [format_druid_interval(partition)],
                },
            },
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": build_input_source(input_urls),
                "inputFormat": build_input_format(input_urls),
                "appendToExisting": False,
                # an empty input must not empty the day; of several days some may have no rows
                "dropExisting": not partition.is_one_day,
            },
            "tuningConfig": {
                "type": "index_parallel",
                "maxNumConcurrentSubTasks": workers,
                **({"splitHintSpec": {"type": "maxSize", "maxNumFiles": 1}} if workers > 1 else {}),
                "partitionsSpec": {"type": "dynamic"},
                "maxParseExceptions": 0,
                # the rows that it would keep in its report are not for everybody
                "maxSavedParseExceptions": 0,
                "logParseExceptions": False,
            },
        },
    }


def _time_within(partition: Partition) -> str:
    """Return the time of a row, or a division by zero for a row outside the partition.

    Druid drops such rows, publishes the others and reports success; an error fails the task before it
    publishes anything.
    """
    start, end = (int(moment.timestamp() * 1000) for moment in check_whole_days(partition))
    return f"__time * div(1, __time >= {start} && __time < {end})"


def _dimension(dimension: Dimension) -> dict[str, Any]:
    if dimension.type is DimensionType.STRING:
        return {"type": "string", "name": dimension.name, "createBitmapIndex": dimension.is_indexed}
    return {"type": dimension.type.value, "name": dimension.name}
