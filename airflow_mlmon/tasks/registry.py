"""Registry of the kinds of model, by their names in a spec."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_mlmon.spec.metrics import GENERIC, Metric
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    from airflow_mlmon.spec.choices import ColumnType, Role
    from airflow_mlmon.spec.model import ModelSpec

TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (Binary(),)})
# every metric by its name, which means the same whatever the kind of model
METRICS: Mapping[str, Metric] = MappingProxyType(
    {**GENERIC, **{name: metric for task in TASKS.values() for name, metric in task.metrics.items()}}
)
DEFAULT = TASKS["binary"]
# kinds that a spec may name one day
PLANNED = ("multiclass", "regression", "ranking", "none")


def infer_task(types: Mapping[Role, ColumnType]) -> Task:
    """Return the kind of model whose outputs have these types; the default one where none has."""
    return next((task for task in TASKS.values() if task.fits(types)), DEFAULT)


def task_of(spec: ModelSpec) -> Task:
    """Return what kind of model a spec declares."""
    return TASKS[spec.task]
