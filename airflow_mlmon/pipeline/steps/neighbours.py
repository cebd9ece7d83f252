"""Days that lack rows which lie in the folder of a day that is run after them."""

from __future__ import annotations

import json
from typing import Any

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import PartitionState

_Content = tuple[str, str]


def find_lacking(run: Run, prepared: Prepared) -> list[PartitionState]:
    """Find the served days whose version would change by the rows that this day hands over to them.

    A day that was run when these rows were there has taken them in, and does not lack them; so no day is redone again
    unless the files change.
    """
    if not prepared.rows_handed_over:
        return []
    files = _read_files(run, prepared.partition, prepared.version)
    given: dict[str, set[_Content]] = {}
    for file in files:
        for day in file["handed_over"]:
            given.setdefault(day, set()).add((file["uri"], file["sha256"]))
    states = [run.store.state(run.partition(day)) for day in sorted(given)]
    return [state for state in states if state and state.version and given[state.partition.key] - _held(run, state)]


def _held(run: Run, state: PartitionState) -> set[_Content]:
    """Return the files of a served version."""
    try:
        files = _read_files(run, state.partition, str(state.version))
    except NotFoundError:
        return set()
    return {(file["uri"], file["sha256"]) for file in files}


def _read_files(run: Run, partition: Partition, version: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads(run.files.read(run.version_uri(partition, version, MANIFEST)))["files"]
    return files
