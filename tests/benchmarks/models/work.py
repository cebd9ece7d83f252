"""Our side of `cbpe.times_nannyml`, as a process: the mean estimate of each metric over ten chunks."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.tasks.binary.estimate import estimate_performance
from airflow_mlmon.tasks.binary.outcome import profile_outcomes

_CHUNKS = 10


def _read(path: str) -> pa.Table:
    table = pq.read_table(path)
    for name in ("prediction", "label"):
        table = table.set_column(table.column_names.index(name), name, table.column(name).cast(pa.bool_()))
    return table.append_column("excluded", pa.array(np.zeros(table.num_rows, dtype=bool)))


def main(reference: str, current: str) -> None:
    """Estimate and print."""
    calibrated = profile_outcomes(_read(reference))
    rows = _read(current)
    size = rows.num_rows // _CHUNKS
    found: dict[str, list[float]] = {}
    for chunk in range(_CHUNKS):
        for value in estimate_performance(profile_outcomes(rows.slice(chunk * size, size)), calibrated):
            found.setdefault(value.metric.removeprefix("estimated_"), []).append(float(value.value or 0.0))
    sys.stdout.write(json.dumps({metric: sum(values) / _CHUNKS for metric, values in found.items()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
