"""One DAG for each model that is declared in include/models."""

from __future__ import annotations

from pathlib import Path

from airflow_mlmon.dag_factory import build_dags

globals().update(build_dags(Path(__file__).parents[1] / "include" / "models"))
