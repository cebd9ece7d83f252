"""Every kind of model, by the name that a spec gives it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    from airflow_mlmon.spec.model import ModelSpec

TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (Binary(),)})


def task_of(spec: ModelSpec) -> Task:
    """Return what kind of model a spec declares."""
    return TASKS[spec.task]
