"""Import of what a run needs, all at once and before it starts.

A process that runs many days, or forks the processes that do, imports it once: nothing of it is collected again, and
forks share its memory.
"""

from __future__ import annotations

import gc
from importlib import import_module

from airflow_mlmon.garbage import uncollected

_OF_RUNS = (
    "airflow_mlmon.hooks.run",
    "airflow_mlmon.pipeline.nightly",
    "airflow_mlmon.quality.great_expectations",
)
# what a task of the nightly DAG imports besides
_OF_TASKS = (
    "airflow_mlmon.hooks.storage",
    "airflow_mlmon.notifications.gauges",
    "airflow_mlmon.notifications.senders",
    "airflow_mlmon.operators.steps",
    "airflow_mlmon.pipeline.druid.load",
)


def preload_run() -> None:
    """Import what a day needs in a process that is about to run it."""
    _import(_OF_RUNS)


def preload_tasks() -> None:
    """Import what the tasks of the nightly DAGs need, in the process whose forks run them."""
    _import((*_OF_RUNS, *_OF_TASKS))


def keep_loaded() -> None:
    """Leave what a day has loaded, such as the libraries of its page, out of the garbage collections to come."""
    gc.collect()
    gc.freeze()


def _import(names: tuple[str, ...]) -> None:
    with uncollected():
        try:
            for name in names:
                import_module(name)
        finally:
            gc.freeze()
