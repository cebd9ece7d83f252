"""Who may read what, and which night a DAG run is about, by Airflow's own rules and tables."""

from __future__ import annotations

from collections.abc import Iterable

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.hooks.dag_run import partition_of
from airflow_mlmon.partition import Partition

__all__ = ["GetUserDep", "get_user", "partition_of_run", "readable_models"]


def readable_models(models: Iterable[str], user: GetUserDep) -> list[str]:
    """Those of the models whose DAG, which has the model's name, the user may read."""
    names = sorted(models)
    teams = DagModel.get_dag_id_to_team_name_mapping(names)
    manager = get_auth_manager()
    return [
        name
        for name in names
        if manager.is_authorized_dag(method="GET", details=DagDetails(id=name, team_name=teams.get(name)), user=user)
    ]


def partition_of_run(dag_id: str, run_id: str) -> Partition:
    """The partition that a DAG run processes.

    Raises:
        NotFoundError: there is no such run.
        ConfigError: the run does not say its partition.
    """
    found = DagRun.find(dag_id=[dag_id], run_id=[run_id])
    if not found:
        raise NotFoundError(f"There is no run {run_id!r} of the DAG {dag_id!r}.")
    return partition_of(dag_id, {"dag_run": found[0]})
