"""Times the profile of 1,000,000 rows and 20 columns made inside Druid, beside the local engine's.

    python -m tests.benchmarks.druid.profile

Prints one JSON object with `profile_1m_20_s`, `profile_1m_20_cpu_s`, `profile_local_s` and `profile_ratio_to_local`.
A small Druid is started for it, or `--url` names one that runs; the rows are loaded and verified first. The best
of several turns counts; the processor seconds are those of all of Druid's processes, and say what the wall clock
of a busy machine does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType, ingestion_task
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import Load, load_partition
from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.layout import SegmentLayout
from airflow_mlmon.profiles.local import profile_parquet
from airflow_mlmon.profiles.pinning import pin_columns
from airflow_mlmon.spec.choices import ColumnType
from include.demo.services import read_running
from include.druid.cluster import DruidCluster

ROWS = 1_000_000
TURNS = 5
PINNED_ROWS = 100_000
DAY = Partition.of_day("bench", date(2013, 3, 8))
# the flag of our test clusters that spares them the better compiler, undone: they are started to be measured
_COMPILER = {"_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4"}
_TYPES = {"x": ColumnType.FLOAT, "n": ColumnType.INTEGER, "c": ColumnType.CATEGORY, "v": ColumnType.STRING}
_DIMENSIONS = {
    ColumnType.FLOAT: DimensionType.DOUBLE,
    ColumnType.INTEGER: DimensionType.LONG,
    ColumnType.CATEGORY: DimensionType.STRING,
    ColumnType.STRING: DimensionType.STRING,
}


def make_rows() -> pa.Table:
    """Twelve doubles, three integers and five categories, one row in a hundred of a double null, and a version."""
    rng = np.random.default_rng(7)
    moments = np.sort(rng.integers(0, 86_400_000, ROWS)) + int(DAY.start.timestamp() * 1000)
    columns = {"at": pa.array(moments, pa.timestamp("ms", "UTC"))}
    for at in range(12):
        numbers = np.round(rng.lognormal(2, 1, ROWS), 2) if at % 4 == 0 else rng.normal(3 * at, 1 + at, ROWS)
        columns[f"x{at}"] = pa.array(numbers, mask=rng.random(ROWS) < 0.01)
    columns |= {f"n{at}": pa.array(rng.poisson(10 ** (at + 1), ROWS)) for at in range(3)}
    for at in range(5):
        columns[f"c{at}"] = pa.array(rng.choice([f"value {place}" for place in range(3 * 4**at)], ROWS))
    columns["version"] = pa.array(rng.choice(["1.0", "1.1"], ROWS))
    return pa.table(columns)


def measure(client: DruidClient, folder: Path, cpu_s: Callable[[], float]) -> dict[str, float]:
    """The figures; the profiles are compared too.

    Raises:
        AssertionError: they are not equal.
    """
    rows = make_rows()
    path = folder / "rows.parquet"
    pq.write_table(rows, path)
    types = {name: _TYPES[name[0]] for name in rows.column_names if name != "at"}
    _load(client, rows, types, folder)
    profiled = {name: kind for name, kind in types.items() if name != "version"}
    layout = pin_columns(DAY.model, profiled, rows.slice(0, PINNED_ROWS))
    figures = {}
    for suffix, segments in (("", ()), ("_by_version", (SegmentLayout(columns=("version",)),))):
        divided = replace(layout, segments=segments)
        local_s, local = _best(lambda divided=divided: profile_parquet([path], divided))
        before = cpu_s()
        druid_s, found = _best(lambda divided=divided: profile_datasource(client, "bench", DAY, divided, types))
        if found != local:
            raise AssertionError("the profiles of the two engines differ")
        figures |= {
            f"profile_1m_20{suffix}_s": round(druid_s, 2),
            f"profile_1m_20{suffix}_cpu_s": round((cpu_s() - before) / TURNS, 2),
            f"profile_local{suffix}_s": round(local_s, 2),
            f"profile_ratio_to_local{suffix}": round(druid_s / local_s, 1),
        }
    return figures


def _load(client: DruidClient, rows: pa.Table, types: dict[str, ColumnType], folder: Path) -> None:
    dimensions = tuple(Dimension(name=name, type=_DIMENSIONS[kind]) for name, kind in types.items())
    datasource = Datasource(name="bench", time_column="at", dimensions=dimensions)
    path = folder / "rows.json.gz"
    path.write_bytes(write_json_lines(rows))
    load = Load(datasource=datasource, partition=DAY, version="v1", rows=ROWS)
    urls = [path.as_uri()]
    load_partition(
        client,
        load,
        lambda name: client.submit(ingestion_task(name, datasource, DAY, input_urls=urls, version="v1")),
    )


def _best(work: Callable[[], object]) -> tuple[float, object]:
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return min(times), result


@contextmanager
def _druid(url: str | None, folder: Path) -> Iterator[tuple[DruidClient, Callable[[], float]]]:
    if url is not None:
        yield DruidClient(url, timeout_s=120), lambda: 0.0
        return
    record = folder / "running.json"
    cluster = DruidCluster(home=folder / "druid", environment=_COMPILER, record=record)
    cluster.start()
    try:
        pids = [service.pid for service in read_running(record)]
        yield DruidClient(cluster.url, timeout_s=120), lambda: sum(map(_cpu_s, pids))
    finally:
        cluster.stop()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="the router of a Druid that runs and sees this disk; by default one is started")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _druid(arguments.url, Path(name)) as (client, cpu_s):
        sys.stdout.write(json.dumps({"figures": measure(client, Path(name), cpu_s)}) + "\n")


if __name__ == "__main__":
    main()
