"""Pins the profile schemas of the benchmark's files from their first rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.model import ModelSpec

_SAMPLE_ROWS = 50_000


def pin_file(path: Path) -> ProfileSchema:
    """The profile schema that fits the first 50,000 rows of a file."""
    # Without these options the whole first row group would be read.
    file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
    batch = next(file.iter_batches(_SAMPLE_ROWS))
    return pin_table(pa.Table.from_batches([batch]))


def pin_table(table: pa.Table) -> ProfileSchema:
    """The profile schema that fits a table."""
    columns = {"row": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}}
    columns |= {name: {"type": _type(table.schema.field(name).type)} for name in table.column_names}
    predictions = {"path": "p/{date}", "columns": columns}
    spec = {"model": "bench", "start": date(2026, 1, 1), "predictions": predictions, "reference": {"path": "r"}}
    return pin_schema(ModelSpec.model_validate(spec), table)


def store_reference(path: Path) -> Path:
    """The stored profile of a file, beside it, with its profile schema; made unless it is there."""
    stored = path.with_suffix(".profile")
    schema = pin_file(path)
    stored.with_suffix(".json").write_text(schema.to_json())
    stored.write_bytes(profile_parquet([path], schema).to_bytes())
    return stored


def _type(found: pa.DataType) -> str:
    if pa.types.is_boolean(found):
        return "boolean"
    if pa.types.is_integer(found):
        return "integer"
    return "float" if pa.types.is_floating(found) else "string"
