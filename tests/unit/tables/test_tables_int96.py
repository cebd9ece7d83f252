"""Times of twelve bytes are never read as another date."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.schema import conform

MOMENTS = [datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)]


def test_times_beyond_microseconds_are_refused_and_all_others_kept(tmp_path: Path):
    seconds = [int(moment.timestamp()) for moment in MOMENTS]
    times = pa.array([*seconds, 10**13, -(10**13), None]).cast(pa.timestamp("s"))
    path = tmp_path / "a.parquet"
    table = pa.table({"x": times, "n": range(6)})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, row_group_size=2)

    rows = pa.concat_tables(piece.table for piece in read_path(path, str(path)))
    read, faults, _ = conform(rows, {"x": Column(type=ColumnType.TIMESTAMP)}, timezone="UTC")

    assert rows.column("n").to_pylist() == list(range(6))
    assert read.column("x").to_pylist() == [*MOMENTS, None, None, None]
    assert [(fault.reason, fault.rows.tolist()) for fault in faults] == [
        ("x is beyond the years 1 to 9999", [False, False, False, True, True, False])
    ]
