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

_plans, _results = evidence_tables.plans, evidence_tables.result_plans


def note_plan(
    connection: sa.Connection, published: Collection[tuple[Partition, Family]], plan: MonitoringPlan | None
) -> None:
    """Note the plan that results were made under, and keep its content; None if it is not known."""
    for partition, family in published:
        key = key_of(partition, family)
        connection.execute(sa.delete(_results).where(is_of(_results, key)))
        if plan is not None:
            _keep(connection, partition.model, plan)
            connection.execute(sa.insert(_results).values({**key, "plan": plan.id}))


def _keep(connection: sa.Connection, model: str, plan: MonitoringPlan) -> None:
    key = {"model": model, "plan": plan.id}
    if connection.scalar(sa.select(_plans.c.plan).where(is_of(_plans, key))) is None:
        connection.execute(sa.insert(_plans).values({**key, "content": plan.content}))
