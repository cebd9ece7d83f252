"""Days that lack rows which lie in the folder of a day that is run after them."""

from __future__ import annotations

import json
from typing import Any

from airflow_mlmon.archive.neighbours import days_of_folder
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import PartitionState


def find_lacking(run: Run, prepared: Prepared) -> list[PartitionState]:
    """Find the served days whose version would change by the rows that this day hands over to them.

    A day that was run when these rows were there has taken them in, and does not lack them; so no day is redone again
    unless the files change.
    """
    lateness = run.spec.predictions.lateness_days
    if lateness is None:
        return []
    partition = prepared.partition
    files = _read_files(run, partition, prepared.version)
    own = {file["uri"]: file for file in files if not file["is_neighbour"]}
    days = days_of_folder(partition, lateness)
    return [
        state
        for state in run.store.states(run.model, days[0].day, days[-1].day)
        if state.partition != partition and state.version is not None and _lacks(run, state, own)
    ]


def _lacks(run: Run, state: PartitionState, own: dict[str, dict[str, Any]]) -> bool:
    key = state.partition.key
    given = {(uri, file["sha256"]) for uri, file in own.items() if key in file["handed_over"]}
    try:
        files = _read_files(run, state.partition, str(state.version))
    except NotFoundError:
        return bool(given)
    return given != {(file["uri"], file["sha256"]) for file in files if file["uri"] in own}


def _read_files(run: Run, partition: Partition, version: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads(run.files.read(run.version_uri(partition, version, MANIFEST)))["files"]
    return files
