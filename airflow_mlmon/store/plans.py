"""Monitoring plans, and which of them the results of a day were made under.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from airflow_mlmon.fleet import MonitoringPlan
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Family
from airflow_mlmon.store import evidence_tables
from airflow_mlmon.store.rows import is_of, key_of
from airflow_mlmon.store.statements import bound, deletion

_plans, _results = evidence_tables.plans, evidence_tables.result_plans


def note_plan(
    connection: sa.Connection, published: Collection[tuple[Partition, Family]], plan: MonitoringPlan | None
) -> None:
    """Note the plan that results were made under, and keep its content; None if it is not known."""
    keys = [key_of(partition, family) for partition, family in published]
    if keys:
        connection.execute(deletion(_results, *keys[0]), [bound(key) for key in keys])
    if plan is None or not keys:
        return
    for model in {key["model"] for key in keys}:
        _keep(connection, model, plan)
    connection.execute(sa.insert(_results), [{**key, "plan": plan.id} for key in keys])


def _keep(connection: sa.Connection, model: str, plan: MonitoringPlan) -> None:
    key = {"model": model, "plan": plan.id}
    if connection.scalar(sa.select(_plans.c.plan).where(is_of(_plans, key))) is None:
        connection.execute(sa.insert(_plans).values({**key, "content": plan.content}))
