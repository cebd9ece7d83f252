"""What Druid serves of a model, in numbers that differ where any value does."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.druid.client import DruidClient
from tests.benchmarks.day.in_airflow import CATEGORIES, FLOATS

_NUMBER = "PARSE_LONG(SUBSTRING(id, 12))"
_DOUBLES = ["score", *(f"x{number}" for number in range(FLOATS))]
_PARTS = [
    "TIMESTAMP_TO_MILLIS(__time)",
    *(f"COALESCE(BITWISE_CONVERT_DOUBLE_TO_LONG_BITS({name}), 1)" for name in _DOUBLES),
    *(f"COALESCE({name}, 7)" for name in ("flagged", "label")),
    *(f"PARSE_LONG(SUBSTRING(c{number}, 7))" for number in range(CATEGORIES)),
]
# longs wrap: a sum modulo 2**64 of every value of a row, times the number of the row
_PREDICTIONS = f"{_NUMBER} * ({' + '.join(f'{2 * at + 3} * {part}' for at, part in enumerate(_PARTS))})"
_METRICS = 'PARSE_LONG(SUBSTRING(metric, 8)) * (BITWISE_CONVERT_DOUBLE_TO_LONG_BITS("value") + 3 * "rows")'


def state_of(client: DruidClient, model: str) -> list[dict[str, Any]]:
    """Of each day of both datasources the rows, the versions of the content, and a checksum."""
    return [
        {"of": kind, **row}
        for kind, checksum in (("predictions", _PREDICTIONS), ("metrics", _METRICS))
        for row in client.sql(
            f'SELECT FLOOR(__time TO DAY) AS "day", COUNT(*) AS n, COUNT(DISTINCT mlmon_content) AS versions, '  # noqa: S608
            f"SUM({checksum}) AS checksum FROM {model}_{kind} GROUP BY 1 ORDER BY 1"
        )
    ]
