"""Times the profile of 20 columns made inside Druid, beside the local engine's.

The rows are loaded and verified first, and the profiles of both engines compared. The first turn is told apart; of
the others the median counts. The processor seconds are those of all of Druid's processes, and say what the wall
clock of a busy machine does not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType, build_ingestion_task
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.druid.load import Load, load_partition
from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.spec.choices import ColumnType
from tests.benchmarks.druid.cluster import Measured
from tests.benchmarks.report import Report

TURNS = 5
PINNED_ROWS = 100_000
DAY = Partition.of_day("bench", date(2013, 3, 8))
_TYPES = {"x": ColumnType.FLOAT, "n": ColumnType.INTEGER, "c": ColumnType.CATEGORY, "v": ColumnType.STRING}
_DIMENSIONS = {
    ColumnType.FLOAT: DimensionType.DOUBLE,
    ColumnType.INTEGER: DimensionType.LONG,
    ColumnType.CATEGORY: DimensionType.STRING,
    ColumnType.STRING: DimensionType.STRING,
}


def make_rows(rows: int) -> pa.Table:
    """Twelve doubles, three integers and five categories, one row in a hundred of a double null, and a version."""
    rng = np.random.default_rng(7)
    moments = np.sort(rng.integers(0, 86_400_000, rows)) + int(DAY.start.timestamp() * 1000)
    columns = {"at": pa.array(moments, pa.timestamp("ms", "UTC"))}
    for at in range(12):
        numbers = np.round(rng.lognormal(2, 1, rows), 2) if at % 4 == 0 else rng.normal(3 * at, 1 + at, rows)
        columns[f"x{at}"] = pa.array(numbers, mask=rng.random(rows) < 0.01)
    columns |= {f"n{at}": pa.array(rng.poisson(10 ** (at + 1), rows)) for at in range(3)}
    for at in range(5):
        columns[f"c{at}"] = pa.array(rng.choice([f"value {place}" for place in range(3 * 4**at)], rows))
    columns["version"] = pa.array(rng.choice(["1.0", "1.1"], rows))
    return pa.table(columns)


def measure(report: Report, druid: Measured, folder: Path, count: int) -> None:
    """Take the seconds of both engines, undivided and by version, and see that their profiles are equal."""
    client = DruidClient(druid.url, timeout_s=120)
    rows = make_rows(count)
    path = folder / "rows.parquet"
    pq.write_table(rows, path)
    types = {name: _TYPES[name[0]] for name in rows.column_names if name != "at"}
    _load(client, rows, types, folder)
    profiled = {name: kind for name, kind in types.items() if name != "version"}
    schema = pin_columns(DAY.model, profiled, rows.slice(0, PINNED_ROWS))
    for suffix, segments in (("", ()), ("_by_version", (SegmentSchema(columns=("version",)),))):
        divided = replace(schema, segments=segments)
        local_s, local = _timed(lambda divided=divided: profile_parquet([path], divided))
        before = druid.cpu_s()
        druid_s, found = _timed(lambda divided=divided: profile_datasource(client, "bench", DAY, divided, types))
        cpu_s = (druid.cpu_s() - before) / TURNS
        if found != local:
            raise SystemExit("the profiles of the two engines differ")
        first, *warm = druid_s
        seconds, ours = statistics.median(warm), statistics.median(local_s[1:])
        key = f"profile_1m_20{suffix}_s"
        report.figures |= {key: seconds, f"profile_ratio_to_local{suffix}": seconds / ours}
        report.details[key] = {"rows": count, "druid_s": druid_s, "local_s": local_s, "druid_cpu_s": cpu_s}
        report.notes[key] = f"{min(warm):.2f} s at best, {first:.2f} s at first, {cpu_s:.1f} s of Druid's processors"
        report.notes[f"profile_ratio_to_local{suffix}"] = f"local engine {ours:.2f} s"


def _load(client: DruidClient, rows: pa.Table, types: dict[str, ColumnType], folder: Path) -> None:
    dimensions = tuple(Dimension(name=name, type=_DIMENSIONS[kind]) for name, kind in types.items())
    datasource = Datasource(name="bench", time_column="at", dimensions=dimensions)
    path = folder / "rows.json.gz"
    path.write_bytes(write_json_lines(rows))
    load = Load(datasource=datasource, partition=DAY, version="v1", rows=rows.num_rows)
    urls = [path.as_uri()]
    load_partition(
        client,
        load,
        lambda name: client.submit(build_ingestion_task(name, datasource, DAY, input_urls=urls, version="v1")),
    )


def _timed(work: Callable[[], object]) -> tuple[list[float], object]:
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return times, result
