"""Curated rows of past days with the labels received, for training."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import read_scalars
from airflow_mlmon.pipeline.workspace.labelled_rows import labels_of
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of


def labelled_rows(run: Run, first: date, last: date) -> pa.Table:
    """Return the served rows of a range of days that have a label, with the label in its column.

    Personal columns and vectors are left out.

    Raises:
        ConfigError: the spec has no labels.
        NotFoundError: no row of the range has a label.
    """
    labels = run.spec.labels
    if labels is None:
        raise ConfigError(f"The spec of {run.model} has no labels.")
    tables = []
    for state in run.store.states(run.model, first, last):
        if state.version is not None and state.rows_accepted:
            rows = read_scalars(run, state.partition, state.version)
            deliveries = deliveries_of(run, state.partition)
            found, _ = labels_of(run, state.partition, state.version, deliveries, rows.num_rows)
            tables.append(rows.append_column(labels.label, found).filter(found.is_valid()))
    if not sum(table.num_rows for table in tables):
        raise NotFoundError(f"No row of {run.model} from {first} to {last} has a label.")
    return pa.concat_tables(tables, promote_options="default")
