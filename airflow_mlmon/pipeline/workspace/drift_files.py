"""Imports what the first release kept of a partition's drift in a file of its version into the store, once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run

_FILE = "drift.json"
_NEW_NAMES = {"nights": "days", "other_layout": "other_schema"}


def import_drift_files(run: Run, days: Iterable[Partition]) -> None:
    """Import the baselines of those of the days that only the first release has evaluated.

    A file that is gone leaves its day without baselines.
    """
    waiting = run.store.days_in_files(run.model)
    for partition in days:
        state = run.store.state(partition) if partition.day in waiting else None
        if state is not None and state.version is not None:
            content = _read(run, partition, state.version)
            baselines = [_baseline_of(entry) for entry in content.get("baselines", ())]
            run.store.import_baselines(partition, baselines)


def _read(run: Run, partition: Partition, version: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(run.files.read(run.version_uri(partition, version, _FILE)))
    except NotFoundError:
        return {}
    return content


def _baseline_of(entry: Mapping[str, Any]) -> BaselineFacts:
    """Convert a baseline, which the first release wrote under other names."""
    renamed = {_NEW_NAMES.get(name, name): value for name, value in entry.items()}
    return BaselineFacts.from_dict(renamed)
