"""Readers of texts: ours, to the declared types, over pyarrow's own."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

from airflow_mlmon.archive.curation.ahead import read_ahead
from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import conform
from tests.benchmarks.measured import Measured

_ROWS = 1_000_000
_TURNS = 5
_NUMBERS = tuple(f"x{number}" for number in range(5))
_COLUMNS = {
    "id": Column(type=ColumnType.STRING),
    "at": Column(type=ColumnType.TIMESTAMP),
    **{name: Column(type=ColumnType.FLOAT) for name in _NUMBERS},
    "count": Column(type=ColumnType.INTEGER),
    "country": Column(type=ColumnType.CATEGORY),
    "flagged": Column(type=ColumnType.BOOLEAN),
}
_ARROW = {
    "id": pa.string(),
    "at": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(_NUMBERS, pa.float64()),
    "count": pa.int64(),
    "country": pa.string(),
    "flagged": pa.bool_(),
}


def measure_jsonl() -> Measured:
    """Time our reader of JSON lines over pyarrow's."""

    def write(path: Path, rows: pa.Table) -> None:
        texts = rows.set_column(1, "at", rows.column("at").cast(pa.string()))
        with path.open("w") as file:
            for batch in texts.to_batches(max_chunksize=10_000):
                file.writelines(json.dumps(row) + "\n" for row in batch.to_pylist())

    def read_by_arrow(path: Path) -> None:
        parse = pyarrow.json.ParseOptions(explicit_schema=pa.schema(list((_ARROW | {"at": pa.string()}).items())))
        table = pyarrow.json.read_json(path, parse_options=parse)
        table.column("at").cast(_ARROW["at"])

    return _measure("rows.jsonl", write, read_by_arrow)


def measure_csv() -> Measured:
    """Time our reader of CSV over pyarrow's."""

    def write(path: Path, rows: pa.Table) -> None:
        pyarrow.csv.write_csv(rows, path)

    def read_by_arrow(path: Path) -> None:
        options = pyarrow.csv.ConvertOptions(column_types=_ARROW)
        pyarrow.csv.read_csv(path, convert_options=options)

    return _measure("rows.csv", write, read_by_arrow)


def _measure(name: str, write: Callable[[Path, pa.Table], None], read_by_arrow: Callable[[Path], None]) -> Measured:
    """Let both readers take turns; ours streams ahead as in the intake, and its rows have the declared types, too."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path, _draw())
        ours, arrow = [], []
        for _ in range(_TURNS):
            ours.append(_time(_read, path))
            arrow.append(_time(read_by_arrow, path))
    details = {"ours_s": [round(one, 3) for one in ours], "pyarrow_s": [round(one, 3) for one in arrow]}
    ratio = statistics.median(ours) / statistics.median(arrow)
    return Measured(figure=round(ratio, 2), note=f"{_ROWS:,} rows of {len(_COLUMNS)} columns", details=details)


def _read(path: Path) -> None:
    rows = 0
    with read_ahead(_pieces(path)) as pieces:
        for piece in pieces:
            found = conform(piece.table, _COLUMNS, is_text=piece.is_text)
            assert not any(fault.rows.any() for fault in found.faults)
            rows += found.table.num_rows
    assert rows == _ROWS


def _pieces(path: Path) -> Generator[Piece]:
    yield from read_path(path, str(path), Reading(columns=_COLUMNS))


def _time(read: Callable[[Path], None], path: Path) -> float:
    start = time.perf_counter()
    read(path)
    return time.perf_counter() - start


def _draw() -> pa.Table:
    rng = np.random.default_rng(1)
    start = np.datetime64("2026-03-01T00:00:00", "us")
    columns = {
        "id": [f"request-{number:09d}" for number in range(_ROWS)],
        "at": pa.array(start + rng.integers(0, 86_400_000_000, _ROWS), pa.timestamp("us", tz="UTC")),
        **{name: rng.normal(size=_ROWS) for name in _NUMBERS},
        "count": rng.integers(0, 1_000, _ROWS),
        "country": rng.choice(["DE", "FR", "GB"], _ROWS),
        "flagged": rng.random(_ROWS) < 0.1,
    }
    return pa.table(columns)
