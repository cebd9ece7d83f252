"""SQL that Druid runs: identifiers quoted, literals escaped; pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from airflow_mlmon.druid.ingestion import CONTENT_COLUMN, TIME_COLUMN, Datasource, DimensionType, check_whole_days
from airflow_mlmon.druid.inputs import build_input_format, build_input_source
from airflow_mlmon.partition import Partition


def replace_statement(datasource: Datasource, partition: Partition, *, input_urls: Sequence[str], version: str) -> str:
    """Write the SQL that replaces the partition's rows by those of `input_urls`; its values cannot be bound."""
    time_column = quote_identifier(TIME_COLUMN)
    signature = [{"name": datasource.time_column, "type": DimensionType.STRING.value}]
    signature += [{"name": dimension.name, "type": dimension.type.value} for dimension in datasource.dimensions]
    source, shape = build_input_source(input_urls), build_input_format(input_urls)
    external = ", ".join(_literal(json.dumps(part)) for part in (source, shape, signature))
    selected = [
        f"TIME_PARSE({quote_identifier(datasource.time_column)}) AS {time_column}",
        *(quote_identifier(dimension.name) for dimension in datasource.dimensions),
        f"{_literal(version)} AS {quote_identifier(CONTENT_COLUMN)}",
    ]
    start, end = (_timestamp(moment) for moment in check_whole_days(partition))
    return (
        f"REPLACE INTO {quote_identifier(datasource.name)} "  # noqa: S608 - quoted, from a checked spec
        f"OVERWRITE WHERE {time_column} >= {start} AND {time_column} < {end} "
        f"SELECT {', '.join(selected)} FROM TABLE(EXTERN({external})) PARTITIONED BY DAY"
    )


def quote_identifier(name: str) -> str:
    """Quote the name of a table or column for SQL.

    >>> quote_identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _timestamp(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
