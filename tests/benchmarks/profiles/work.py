"""What is timed, each as a process of its own: `python -m tests.benchmarks.profiles.work <job> <arguments>`.

The last line that a job prints is JSON: its peak memory in MB and what it found.
"""

from __future__ import annotations

import glob
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.memory import memory_mib

# Whatever a job does not need is not imported: its imports are part of its time.


def decode_batches(path: str) -> dict[str, Any]:
    """Decode with pyarrow's stream of batches."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    for source in sorted(glob.glob(path)):  # noqa: PTH207
        for _ in pq.ParquetFile(source).iter_batches():
            pass
    return {}


def decode_groups(path: str) -> dict[str, Any]:
    """Decode with pyarrow one row group after the other, on all cores."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    for source in sorted(glob.glob(path)):  # noqa: PTH207
        file = pq.ParquetFile(source)
        for group in range(file.num_row_groups):
            file.read_row_group(group)
    return {}


def decode_columns(path: str) -> dict[str, Any]:
    """Decode with the engine's own reader, column by column on all cores, and count nothing."""
    import os  # noqa: PLC0415
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import pyarrow.parquet as pq  # noqa: PLC0415

    from airflow_mlmon.profiles.engine.parquet import ParquetSource, read_file_columns  # noqa: PLC0415
    from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema  # noqa: PLC0415

    def kind(name: str) -> Kind:
        return Kind.CATEGORY if name[0] == "s" and name != "score" else Kind.IDENTIFIER

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for position, source in enumerate(sorted(glob.glob(path))):  # noqa: PTH207
            names = pq.read_schema(source).names
            schema = ProfileSchema(model="", columns=tuple(ColumnSchema(name=name, kind=kind(name)) for name in names))
            list(
                pool.map(
                    lambda job: sum(len(array) for [array] in read_file_columns(job)),
                    (
                        job
                        for part in ParquetSource.open(source, position).slices()
                        for job in part.jobs(schema.columns)
                    ),
                )
            )
    return {}


def drift(path: str, reference: str) -> dict[str, Any]:
    """Profile the files, and take every drift score against the stored reference profile."""
    from airflow_mlmon.profiles.engine.local import profile_parquet  # noqa: PLC0415
    from airflow_mlmon.profiles.profile import Profile  # noqa: PLC0415
    from airflow_mlmon.profiles.schema import ProfileSchema  # noqa: PLC0415

    stored = Profile.from_bytes(Path(reference).read_bytes())
    schema = ProfileSchema.from_json(Path(reference).with_suffix(".json").read_text())
    profile = profile_parquet(sorted(glob.glob(path)), schema)  # noqa: PTH207
    return {"rows": profile.rows, "scores": _scores(stored, profile)}


def compare(reference: str, current: str) -> dict[str, Any]:
    """Compare both files as a notebook does."""
    import airflow_mlmon  # noqa: PLC0415

    found = airflow_mlmon.compare(reference, current)
    return {"scores": sum(column.score is not None for column in found.columns)}


def _scores(reference: Any, current: Any) -> int:
    from airflow_mlmon.drift.methods import measure_all  # noqa: PLC0415
    from airflow_mlmon.spec.methods import PROFILED  # noqa: PLC0415

    scores = [measure_all(PROFILED, column, current.columns[name]) for name, column in reference.columns.items()]
    return sum(found is not None for of_column in scores for found in of_column)


_JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    job.__name__: job for job in (decode_batches, decode_groups, decode_columns, drift, compare)
}

if __name__ == "__main__":
    found = _JOBS[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps({"peak_mb": memory_mib("VmHWM"), **found}) + "\n")
