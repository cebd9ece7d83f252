"""Times of twelve bytes, as Hive and Spark write them to Parquet, some of which no 64 bits of microseconds hold.

Arrow reads those as another date. Read a second time in milliseconds, which hold all of them, they are told apart. They
become the first or last microsecond of 64 bits, which is in no calendar, so that they are refused and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

UNIT = "us"
_WIDER_UNIT = "ms"
_PER_WIDER = 1_000
_LARGEST = 2**63 - 1
_FEW = 1 << 14


def read_batches(
    file: pq.ParquetFile, path: Path, rows: int, columns: list[str], **options: Any
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file that was opened with `UNIT`; times beyond it are the first or last of 64 bits."""
    # threads for each column take longer than a few rows
    batches = file.iter_batches(rows, columns=columns, use_threads=file.metadata.num_rows > _FEW)
    names = [name for name in _find_columns(file) if name in columns]
    if not names:
        yield from batches
        return
    with pq.ParquetFile(path, coerce_int96_timestamp_unit=_WIDER_UNIT, **options) as wider:
        coarse = wider.iter_batches(rows, columns=names)
        held = next(coarse, None)
        for batch in batches:
            # one batch may come in parts, where row groups have dictionaries of their own
            if held is None or not held.num_rows:
                held = next(coarse)
            yield _limit(batch, held.slice(0, batch.num_rows))
            held = held.slice(batch.num_rows)


def _find_columns(file: pq.ParquetFile) -> list[str]:
    schema = file.schema
    leaves = [schema.column(number) for number in range(len(schema))]
    return [leaf.path for leaf in leaves if leaf.physical_type == "INT96" and leaf.path == leaf.name]


def _limit(batch: pa.RecordBatch, coarse: pa.RecordBatch) -> pa.RecordBatch:
    for name in coarse.schema.names:
        position = batch.schema.get_field_index(name)
        held = batch.column(position)
        fine, wide = (each.cast(pa.int64()).fill_null(0).to_numpy() for each in (held, coarse.column(name)))
        is_held = fine // _PER_WIDER == wide
        if not is_held.all():
            limited = np.where(is_held, fine, np.sign(wide) * _LARGEST)
            limited_times = pa.array(limited, mask=held.is_null().to_numpy(zero_copy_only=False)).cast(held.type)
            batch = batch.set_column(position, batch.schema.field(position), limited_times)
    return batch
