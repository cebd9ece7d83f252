"""How the workers of an Airflow start their tasks, from its configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = "airflow_local_settings.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowWorkers:
    """Executor, whether each task starts an interpreter anew, and whether libraries are imported before tasks fork."""

    executor: str
    starts_anew: bool
    preloads: bool


def find_workers() -> AirflowWorkers | None:
    """Find how the workers of the Airflow below AIRFLOW_HOME start their tasks; None if it is not configured there."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
    # asked for without it, Airflow would write one
    if not (home / "airflow.cfg").exists():
        return None
    from airflow.sdk import conf  # noqa: PLC0415 - a shell without Airflow needs none

    plugins = conf.get("core", "plugins_folder", fallback="")
    places = (home / "config", Path(conf.get("core", "dags_folder", fallback=str(home / "dags"))), Path(plugins))
    found = [place / _SETTINGS for place in places if (place / _SETTINGS).is_file()]
    return AirflowWorkers(
        executor=conf.get("core", "executor", fallback="LocalExecutor"),
        starts_anew=conf.getboolean("core", "execute_tasks_new_python_interpreter", fallback=False),
        preloads=any("preload_tasks" in path.read_text(errors="replace") for path in found),
    )
