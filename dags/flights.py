"""DAGs of the models that are declared in include/models, one per model."""

from __future__ import annotations

from pathlib import Path

from airflow_mlmon.dag_factory import build_dags

globals().update(build_dags(Path(__file__).parents[1] / "include" / "models"))
