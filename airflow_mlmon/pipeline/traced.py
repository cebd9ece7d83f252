"""Search for the archived rows of a request by the id of its trace."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_columns
from airflow_mlmon.spec.choices import Role

# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACE_ID = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


def find_traced(run: Run, partition: Partition, trace: str) -> list[dict[str, Any]]:
    """Find the accepted rows of a day with a trace, given by its id or a `traceparent`.

    Returns:
        The rows with all columns but personal ones and vectors; an id is among them, hashed where it is.

    Raises:
        ConfigError: the spec has no column of traces, or it is no id of one.
        NotFoundError: the day was not run, or its rows were pruned.
    """
    column = run.spec.column_of(Role.TRACE)
    if column is None:
        raise ConfigError(
            f"No column of {run.model} has the traces of its requests.",
            hint="declare the one with the `traceparent` as {type: string, role: trace}",
        )
    given = _TRACE_ID.fullmatch(trace.strip().lower())
    if given is None:
        raise ConfigError("A trace is given by its id of 32 hexadecimal digits, or by a whole traceparent.")
    state = run.store.state(partition)
    if state is None or state.version is None:
        raise NotFoundError(f"{partition} was never run.")
    found: list[dict[str, Any]] = []
    with open_columns(run, partition, state.version) as rows:
        if column not in rows.names:
            return found
        shown = [name for name in rows.scalars if name == run.spec.id_column or not _is_personal(run, name)]
        for table in rows.batches(list(dict.fromkeys([*shown, column]))):
            texts = pc.utf8_lower(pc.fill_null(table.column(column).cast(pa.string()), ""))
            found += table.filter(pc.match_substring(texts, given[1])).to_pylist()
    return found


def _is_personal(run: Run, name: str) -> bool:
    declared = run.spec.columns.get(name)
    return declared is not None and declared.personal is not None
