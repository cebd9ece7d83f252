"""Access rights of users, and the partition of a DAG run, by Airflow's own rules and tables."""

from __future__ import annotations

from collections.abc import Iterable

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.hooks.dag_run import find_partition
from airflow_mlmon.partition import Partition

__all__ = ["GetUserDep", "get_user", "partition_of_run", "readable_models"]


def readable_models(models: Iterable[str], user: GetUserDep) -> list[str]:
    """Return the models whose DAG, named like the model, the user may read."""
    names = sorted(models)
    teams = DagModel.get_dag_id_to_team_name_mapping(names)
    manager = get_auth_manager()
    return [
        name
        for name in names
        if manager.is_authorized_dag(method="GET", details=DagDetails(id=name, team_name=teams.get(name)), user=user)
    ]


def partition_of_run(dag_id: str, run_id: str, zone: str) -> Partition:
    """Return the partition that a DAG run processes, a day of a zone.

    Raises:
        NotFoundError: there is no such run.
        ConfigError: the run has no partition.
    """
    found = DagRun.find(dag_id=[dag_id], run_id=[run_id])
    if not found:
        raise NotFoundError(f"The DAG {dag_id!r} has no run {run_id!r}.")
    return find_partition(dag_id, {"dag_run": found[0]}, zone=zone)
