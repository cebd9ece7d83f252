from __future__ import annotations

import gzip
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.parquet import write_parquet
from airflow_mlmon.druid.sql import quote_identifier, replace_statement
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from tests.support.hostile import HOSTILE

DAY = Partition.of_day("fraud", date(2026, 3, 8))
URL = "https://s3/it's/day.json.gz?X-Amz-Signature=abc"


def statement(*names):
    dimensions = tuple(Dimension(name=name, type=DimensionType.DOUBLE) for name in names)
    table = Datasource(name="fraud_predictions", time_column="at", dimensions=dimensions)
    return replace_statement(table, DAY, input_urls=[URL], version="4f1c")


def literals(text):
    """The texts between single quotes, as SQL reads them; what stands between double ones is a name."""
    found = re.findall(r""" "(?:[^"]|"")*" | '((?:[^']|'')*)' """, text, flags=re.VERBOSE)
    return [literal.replace("''", "'") for literal in found if literal]


def test_sql_replaces_exactly_the_day():
    text = statement("amount")

    assert text.startswith('REPLACE INTO "fraud_predictions" OVERWRITE WHERE ')
    assert "\"__time\" >= TIMESTAMP '2026-03-08 00:00:00' AND \"__time\" < TIMESTAMP '2026-03-09 00:00:00'" in text
    assert text.endswith(" PARTITIONED BY DAY")


@pytest.mark.parametrize("name", [*HOSTILE.values(), "it's'; DROP--"], ids=[*HOSTILE, "sql"])
def test_a_hostile_name_stays_a_name(name):
    text = statement(name)

    [source, shape, signature] = [json.loads(one) for one in literals(text) if one[:1] in "[{"]
    assert source == {"type": "http", "uris": [URL]}
    assert shape == {"type": "json"}
    assert signature == [{"name": "at", "type": "string"}, {"name": name, "type": "double"}]
    assert f" {quote_identifier(name)}, " in text


def test_sql_over_part_of_a_day_is_refused():
    hours = Partition("fraud", datetime(2026, 3, 8, 1, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC))
    table = Datasource(name="t", time_column="at", dimensions=())

    with pytest.raises(ConfigError, match="midnight"):
        replace_statement(table, hours, input_urls=[URL], version="4f1c")


def test_parquet_holds_what_json_lines_would():
    table = pa.table(
        {
            "at": pa.array([datetime(2026, 3, 8, 1, 2, 3, 4, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "score": [0.5, float("nan"), float("inf")],
            "ok": [True, False, None],
            "big": pa.array([2**63, 1, None], pa.uint64()),
            "price": pa.array([Decimal("1.10"), None, None]),
            "word": pa.array(["a", None, "a"]).dictionary_encode(),
        }
    )

    by_parquet = pq.read_table(io.BytesIO(write_parquet(table))).to_pylist()
    by_json = [json.loads(line) for line in gzip.decompress(write_json_lines(table)).splitlines()]

    assert [{**row, "big": row["big"] and int(row["big"])} for row in by_parquet] == [
        {**row, "big": row["big"] and int(row["big"])} for row in by_json
    ]
