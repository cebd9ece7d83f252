"""Access rights of users, broken specs, DAG runs and the log of events, by Airflow's own rules and tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from airflow.api_fastapi.app import get_auth_manager, get_cookie_path
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager, ResourceMethod
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
from airflow.api_fastapi.core_api.routes.public.dag_run import trigger_dag_run
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session
from fastapi import Request

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.hooks.dag_run import find_partition
from airflow_mlmon.partition import Partition

__all__ = ["BaseUser", "GetUserDep", "get_cookie_path", "get_user"]

# tag of the DAG that stands for a spec that cannot be loaded
_BROKEN = "mlmon-broken"


def readable_models(models: Iterable[str], user: BaseUser) -> set[str]:
    """Return the models whose DAG, named like the model, the user may read; all are asked for at once."""
    return _permitted(models, user, "GET")


def editable_models(models: Iterable[str], user: BaseUser) -> set[str]:
    """Return the models whose DAG the user may edit: on their alerts and baselines he may act."""
    return _permitted(models, user, "PUT")


def may_run(model: str, user: BaseUser) -> bool:
    """Return whether the user may start a run of the model's DAG."""
    details = DagDetails(id=model, team_name=DagModel.get_dag_id_to_team_name_mapping([model]).get(model))
    return _manager().is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user)


def broken_specs() -> list[RegisteredModel]:
    """List the models whose spec cannot be loaded, by the DAGs that stand for them; the error is their description."""
    with create_session() as session:
        found = session.query(DagModel).filter(DagModel.tags.any(DagTag.name == _BROKEN), DagModel.is_stale.is_(False))
        return [
            RegisteredModel(model=dag.dag_id, spec=dag.fileloc or "", error=dag.description or "cannot be loaded")
            for dag in found
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


def start_run(model: str, day: date, run_id: str, *, why: str, user: BaseUser, request: Request) -> str:
    """Start a run of a day that was run before as Airflow's API does, and say what is to know of it.

    A run of that name is not started again.

    Raises:
        HTTPException: Airflow refuses it.
    """
    if not DagRun.find(dag_id=[model], run_id=[run_id]):
        body = TriggerDAGRunPostBody(
            dag_run_id=run_id, logical_date=None, conf={"partition": day.isoformat(), "force": True}, note=why
        )
        try:
            with create_session() as session:
                trigger_dag_run(model, body, DBDagBag(), user, session, request)
        except Exception:
            # of two requests at once the other has started it
            if not DagRun.find(dag_id=[model], run_id=[run_id]):
                raise
    with create_session() as session:
        dag = session.get(DagModel, model)
        is_paused = dag is not None and dag.is_paused
    return "The DAG is paused: the run begins when it is unpaused." if is_paused else ""


def log_event(event: str, user: BaseUser, model: str, facts: Mapping[str, object]) -> None:
    """Add an event to Airflow's log of events, as Airflow does for what is done in its own UI."""
    name = user.get_name()
    with create_session() as session:
        session.add(
            Log(
                event=event,
                owner=name,
                owner_display_name=name,
                dag_id=model,
                extra=json.dumps(dict(facts), default=str),
            )
        )


def signing_key() -> str:
    """Return the key with which Airflow's API server signs."""
    return get_signing_key("api", "secret_key")


def base_url() -> str:
    """Return the address of Airflow as its users know it; empty if it is not configured."""
    return conf.get("api", "base_url", fallback="")


def _permitted(models: Iterable[str], user: BaseUser, method: ResourceMethod) -> set[str]:
    names = sorted(models)
    teams = DagModel.get_dag_id_to_team_name_mapping(names)
    by_team: dict[str | None, set[str]] = defaultdict(set)
    for name in names:
        by_team[teams.get(name)].add(name)
    return {
        name
        for team, of_team in by_team.items()
        for name in _manager().filter_authorized_dag_ids(dag_ids=of_team, user=user, method=method, team_name=team)
    }


def _manager() -> BaseAuthManager[BaseUser]:
    return get_auth_manager()
