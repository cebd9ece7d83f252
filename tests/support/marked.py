"""Files with the marks of capture, from tables of rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from airflow_mlmon.archive.curation.personal import hash_values
from airflow_mlmon.capture.marks import METADATA_KEY, Marks, key_id
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from tests.support.archive import to_bytes
from tests.support.base_day import FIRST, BaseArchive
from tests.support.written import to_lines

PROCESS = "0123456789ab"


def marks_of(rows: int, first: int = 1, **given: Any) -> Marks:
    """The marks of a file of a process that has not ended."""
    return Marks(
        **{"model": "m", "process": PROCESS, "first": first, "last": first + rows - 1, "rows": rows, "bound": 5_000}
        | given
    )


def hashed(key: bytes, table: pa.Table, *names: str) -> tuple[pa.Table, dict[str, Any]]:
    """The table with columns hashed, and what its marks say of that."""
    for name in names:
        values = hash_values(table.column(name), key)
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table, {"protected": dict.fromkeys(names, "hashed"), "key": key_id(key)}


def name_of(marks: Marks, ending: str = "parquet") -> str:
    """The name of a file in its day's folder."""
    return f"{marks.process}-{marks.first:012d}.{ending}"


def parquet_of(table: pa.Table, marks: Marks) -> bytes:
    """Encode rows with their marks as Parquet."""
    return to_bytes(table.replace_schema_metadata({METADATA_KEY: marks.to_json()}))


def files_of(table: pa.Table, marks: Marks, ending: str = "parquet") -> dict[str, bytes]:
    """The files of rows and, of JSON Lines, of their marks, by name."""
    name = name_of(marks, ending)
    if ending == "parquet":
        return {name: parquet_of(table, marks)}
    return {f"_capture/{name}.json": marks.to_json(), name: to_lines(table)}


def write_files(archive: BaseArchive, files: Mapping[str, bytes], day: date = FIRST, root: str = "preds") -> None:
    """Write files to the folder of a day."""
    for name, content in files.items():
        archive.write(f"{root}/dt={day}/{name}", content)


def prepare_day(run: Run, day: date = FIRST) -> Prepared:
    """Prepare a day."""
    return prepare_partition(run, run.partition(day))
