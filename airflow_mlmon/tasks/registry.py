"""Registry of the kinds of model, by their names in a spec."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.spec.metrics import GENERIC, OWN, own_metric
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.none.description import FeaturesOnly
from airflow_mlmon.tasks.ranking.description import Ranking
from airflow_mlmon.tasks.regression.description import Regression
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    from airflow_mlmon.spec.choices import ColumnType, Role
    from airflow_mlmon.spec.model import ModelSpec

_KINDS = (Binary(), Multiclass(), Regression(), Ranking(), FeaturesOnly())
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _KINDS})


class _Metrics(dict[str, Metric]):
    """Every metric by its name, which means the same whatever the kind of model; those of specs by their prefix.

    It iterates over those that are known without a spec.
    """

    def __missing__(self, name: str) -> Metric:
        if name.startswith(OWN):
            return own_metric(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.startswith(OWN))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a metric, or a default for an unknown name."""
        try:
            return self[name]
        except KeyError:
            return default


METRICS: Mapping[str, Metric] = _Metrics(
    {**GENERIC, **{name: metric for task in TASKS.values() for name, metric in task.metrics.items()}}
)
DEFAULT = TASKS["binary"]


def infer_tasks(
    types: Mapping[Role, ColumnType], keys: Collection[str] = (), *, is_labelled: bool = False
) -> tuple[Task, ...]:
    """Return the kinds of model that outputs of these types, and these keys of a spec, may be of."""
    return tuple(task for task in TASKS.values() if task.fits(types, keys, is_labelled=is_labelled))


def task_of(spec: ModelSpec) -> Task:
    """Return what kind of model a spec declares."""
    return TASKS[spec.task].bind(spec)


def is_evaluated(spec: ModelSpec, metric: str) -> bool:
    """Say whether a metric is evaluated without a rule: by default, or because the spec names it."""
    task = TASKS[spec.task]
    if metric in task.metrics:
        is_default = metric in task.evaluated
    else:
        is_default = metric not in METRICS or not METRICS[metric].on_request
    return is_default or metric in spec.alerts.evaluation.metrics
