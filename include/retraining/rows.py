"""Labelled rows of a model, handed to the training: runs beside the monitoring."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq

from airflow_mlmon.pipeline.baselines.in_force import in_force
from airflow_mlmon.pipeline.history.training import labelled_rows
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import Role


def export_rows(run: Run, last: date, days: int) -> dict[str, Any]:
    """Write the labelled rows of the days up to `last` as a file of the workspace, named by its digest.

    Returns:
        The file, its digest, the digest of the curated rows of each day, the columns that the training needs by their
        role, and the baseline of the day.
    """
    first = last - timedelta(days=days - 1)
    rows = labelled_rows(run, first, last)
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()[:16]
    uri = run.uri("retraining", f"{digest}.parquet")
    run.files.write(uri, buffer.getvalue())
    states = run.store.states(run.model, first, last)
    columns = {role.value: run.spec.column_of(role) for role in (Role.TIME, Role.SCORE)}
    return {
        "uri": uri,
        "digest": digest,
        "rows": rows.num_rows,
        "last": str(last),
        "curated": {state.partition.key: state.version for state in states if state.version},
        "columns": columns | {"label": run.spec.labels.label},
        "baseline": in_force(run.spec, run.store.baselines(run.model), last).baseline.title(),
    }
