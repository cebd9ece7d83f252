"""Write the pages of all models each morning, after their runs, and send each owner the morning message."""

from __future__ import annotations

from airflow_mlmon.fleet_dag import build_fleet_dag

dag = build_fleet_dag("include/models", zone="Europe/Berlin")
