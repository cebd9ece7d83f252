"""Export of a model's metrics as Parquet, a file for each month: the columns of its SQL view, and the model."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import DAY
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import join_uri

_BATCH = 10_000
_TEXTS = ("status", "version", "family", "metric", "column_name", "segment")
_OF_VERDICT = ("expected", "expected_low", "expected_high", "p_value", "effect")
COLUMNS = pa.schema(
    [
        pa.field("model", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in _TEXTS),
        *(pa.field(name, pa.float64()) for name in ("value", "low", "high")),
        pa.field("row_count", pa.int64(), nullable=False),
        pa.field("state", pa.string()),
        *(pa.field(name, pa.float64()) for name in _OF_VERDICT),
        *(pa.field(name, pa.string()) for name in ("severity", "rule")),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedMonth:
    """File of one month.

    Attributes:
        month: Its first day.
        uri: Where it is.
        rows: Number of its rows, which are metrics.
        size: Its bytes.
    """

    month: date
    uri: str
    rows: int
    size: int


def export_metrics(run: Run, folder: str, first: date | None = None, last: date | None = None) -> list[ExportedMonth]:
    """Write `<folder>/<model>/<YYYY-MM>.parquet` for each month with metrics, in place of what is there.

    A month that a range begins or ends in is written as a whole, so that a file always holds all that is stored of it.

    Args:
        run: the model.
        folder: folder of the disk, or an address of an object store.
        first: day in the first month; None for the first stored day.
        last: day in the last month; None for the last stored day.

    Raises:
        NotFoundError: nothing is stored of these months.
    """
    states = run.store.versions(run.model, first or date.min, last or date.max)
    if not states:
        raise NotFoundError(f"No day of {run.model} is stored in this range.", hint="see `mlmon status`")
    files = run.storage.at(folder, None)
    exported = []
    for month in _months(first or min(states), last or max(states)):
        run.progress(f"{month:%Y-%m}")
        content, rows = _table_of(run, month)
        if rows:
            uri = join_uri(folder, run.model, f"{month:%Y-%m}.parquet")
            files.write(uri, content)
            exported.append(ExportedMonth(month=month, uri=uri, rows=rows, size=len(content)))
    return exported


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _next(month)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _table_of(run: Run, month: date) -> tuple[bytes, int]:
    """Return the file of a month and the number of its rows; only a batch is held uncompressed."""
    target, rows = io.BytesIO(), 0
    with pq.ParquetWriter(target, COLUMNS, compression="zstd") as writer:
        for batch in run.store.value_batches(run.model, month, _next(month) - DAY, _BATCH):
            rows += len(batch)
            writer.write_batch(pa.RecordBatch.from_pylist([{"model": run.model, **row} for row in batch], COLUMNS))
    return target.getvalue(), rows
