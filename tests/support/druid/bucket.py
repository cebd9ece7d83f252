"""Objects behind presigned addresses, and small loads of them into datasources of a test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Self

import pyarrow as pa

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType, build_ingestion_task
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import DruidLoad, HandIn, Load, Patience, load_partition
from airflow_mlmon.druid.sql import replace_statement
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.druid import DruidIngestion
from tests.support.druid.scripted import Received, Reply, serving

DAY = Partition.of_day("flights", date(2013, 3, 8))
NEXT = DAY.shift(1)
SIGNATURE = "X-Amz-Signature=0123456789abcdef"
QUICK = Patience(poll_s=0.3, visible_s=60)
COLUMNS = {"id": DimensionType.STRING, "score": DimensionType.DOUBLE, "n": DimensionType.LONG}


class Bucket:
    """Objects by name; while they are `held`, whoever reads waits."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, bytes] = {}
        self._asked = threading.Event()
        self._open = threading.Event()
        self._open.set()

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[Self]:
        """A bucket on loopback."""
        bucket = cls()
        with serving(bucket._answer) as server:
            bucket.url = server.url
            yield bucket

    def put(self, name: str, content: pa.Table | bytes) -> str:
        """Put rows, or bytes, there; the presigned address."""
        body = content if isinstance(content, bytes) else write_json_lines(content)
        self.objects[f"/{name}.json.gz"] = body
        return f"{self.url}/{name}.json.gz?{SIGNATURE}"

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Nobody gets an object for as long as the context lasts; the event says that somebody asked."""
        self._asked.clear()
        self._open.clear()
        try:
            yield self._asked
        finally:
            self._open.set()

    def _answer(self, request: Received) -> Reply:
        self._asked.set()
        self._open.wait(120)
        body = self.objects.get(request.path.partition("?")[0])
        return Reply(status=404) if body is None else Reply(body=body, kind="application/octet-stream")


def datasource(name: str, columns: dict[str, DimensionType] | None = None) -> Datasource:
    """A datasource of a few columns."""
    return Datasource(
        name=name,
        time_column="at",
        dimensions=tuple(
            Dimension(name=column, type=kind, is_indexed=False) for column, kind in (columns or COLUMNS).items()
        ),
    )


def rows_of(partition: Partition, count: int, score: float = 0.5) -> pa.Table:
    """Rows spread over a partition, from its first to its last microsecond."""
    last = (partition.end - partition.start) // timedelta(microseconds=1) - 1
    moments = [partition.start + timedelta(microseconds=last * i // max(count - 1, 1)) for i in range(count)]
    return pa.table(
        {
            "at": pa.array(moments, pa.timestamp("us", "UTC")),
            "id": [f"id-{i}" for i in range(count)],
            "score": [score] * count,
            "n": range(count),
        }
    )


def load_rows(
    client: DruidClient,
    bucket: Bucket,
    table: Datasource | str,
    rows: pa.Table,
    *,
    partition: Partition = DAY,
    version: str = "v1",
    ingestion: DruidIngestion = DruidIngestion.NATIVE,
    clear_number: int = 0,
    **options: Any,
) -> DruidLoad:
    """Load rows as one version of a partition."""
    table = datasource(table) if isinstance(table, str) else table
    url = bucket.put(f"{table.name}-{partition.key}-{version}", rows)
    load = Load(
        datasource=table,
        partition=partition,
        version=version,
        rows=rows.num_rows,
        ingestion=ingestion,
        clear_number=clear_number,
    )
    return load_partition(client, load, handing_in(client, load, [url]), **{"patience": QUICK} | options)


def handing_in(client: DruidClient, load: Load, urls: list[str]) -> HandIn:
    """Hands in the task that loads the objects at these addresses."""
    given = {"input_urls": urls, "version": load.version}
    if load.ingestion is DruidIngestion.SQL:
        return lambda name: client.submit_sql(name, replace_statement(load.datasource, load.partition, **given))
    return lambda name: client.submit(build_ingestion_task(name, load.datasource, load.partition, **given))


def served(client: DruidClient, name: str, partition: Partition = DAY) -> tuple[int, float]:
    """Count and sum of scores that the broker gives for a partition."""
    [row] = client.sql(
        f'SELECT COUNT(*) AS n, SUM("score") AS s FROM "{name}" WHERE __time >= ? AND __time < ?',  # noqa: S608
        [partition.start, partition.end],
    )
    return row["n"], row["s"]
