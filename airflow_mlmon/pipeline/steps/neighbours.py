"""Days that lack rows: those of the folder of a day that is run after them, and captured ones that came later."""

from __future__ import annotations

import json
from typing import Any

from airflow_mlmon.archive.curation.capture_account import is_of_process
from airflow_mlmon.archive.layouts.layout import list_day
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import PartitionState

_Content = tuple[str, str]
# days before a captured one into whose folders files may still have come: capture uploads what it has spooled
_DAYS_BACK = 7


def find_lacking(run: Run, prepared: Prepared) -> list[PartitionState]:
    """Find the served days whose version would change by rows that were not there when they were run.

    These are rows that this day hands over to them and, where it is captured, files that came into their folders since.
    A day that was run when they were there has taken them in, and does not lack them; so no day is redone again unless
    the files change.
    """
    return [*_find_given(run, prepared), *_find_late(run, prepared)]


def was_captured(run: Run, partition: Partition, version: str) -> bool:
    """Return whether files of a version have marks of capture.

    Raises:
        NotFoundError: it is not stored any more.
    """
    return bool(_read_manifest(run, partition, version).get("capture"))


def _find_late(run: Run, prepared: Prepared) -> list[PartitionState]:
    """Find the captured days before whose folders have files or sidecars of processes that they were run without."""
    if not prepared.is_captured:
        return []
    day = prepared.partition
    states = run.store.states(run.model, day.shift(-_DAYS_BACK).day, day.shift(-1).day)
    return [state for state in states if state.version and _has_more(run, state)]


def _has_more(run: Run, state: PartitionState) -> bool:
    try:
        manifest = _read_manifest(run, state.partition, str(state.version))
    except NotFoundError:
        return False
    if manifest["files"] and not manifest.get("capture"):
        return False
    listing = list_day(run.archive, run.spec.predictions, state.partition)
    known = {file["uri"] for file in manifest["files"]} | {one["uri"] for one in manifest["passed_over"]}
    there = {file.item.uri for file in listing.files} | {
        one.uri for one in listing.passed_over if is_of_process(one.uri)
    }
    return bool(there - known)


def _find_given(run: Run, prepared: Prepared) -> list[PartitionState]:
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
    files: list[dict[str, Any]] = _read_manifest(run, partition, version)["files"]
    return files


def _read_manifest(run: Run, partition: Partition, version: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.files.read(run.version_uri(partition, version, MANIFEST)))
    return content
