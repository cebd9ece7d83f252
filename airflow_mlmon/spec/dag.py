"""Spec section `dag`: form and options of the model's DAG in Airflow."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from airflow_mlmon.spec.labels import MANUAL
from airflow_mlmon.spec.section import Section
from airflow_mlmon.spec.shards import Shards

_ONCE_A_DAY = re.compile(r"([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*")
_LINK = re.compile(r"(https?://|mailto:)\S+")
# as Airflow stores them
_Name = Annotated[str, Field(min_length=1, max_length=250)]
_MOST_WEIGHT = 2**31 - 1


class Dag(Section):
    """DAG of the model in Airflow."""

    single_task: bool = Field(
        default=False,
        description="Run a day in one task instead of one a step, for a small model: the same results with a tenth "
        "of Airflow's work. Loading into Druid stays a task of its own.",
    )
    schedule: str = Field(
        default="0 0 * * *",
        description="When a day is run, in the model's zone, after its end: a cron expression of one time a day, such "
        "as `30 5 * * *`, or `manual`. A data interval then begins at that time of the day that is run.",
    )
    max_active_runs: int = Field(
        default=1,
        ge=1,
        description="Days that run at once. A day is evaluated by the days before it: of those that run at once some "
        "rest on fewer, and are marked as stale for `mlmon evaluate`.",
    )
    pool: _Name | None = Field(default=None, description="Pool of the tasks.")
    queue: _Name | None = Field(default=None, description="Queue of the tasks, for executors that have several.")
    priority_weight: int | None = Field(
        default=None, ge=-_MOST_WEIGHT, le=_MOST_WEIGHT, description="Priority of the tasks over those of other DAGs."
    )
    retries: int | None = Field(default=None, ge=0, le=100, description="Retries of a task, by default 2.")
    owner_link: str | None = Field(
        default=None, description="Page or address (https://… or mailto:…) behind the owner in Airflow."
    )
    deferrable: bool | None = Field(
        default=None,
        description="Wait for the day, and for Druid, in Airflow's triggerer and not in a worker; by default Airflow's "
        "`[operators] default_deferrable`.",
    )

    @field_validator("schedule")
    @classmethod
    def _once_a_day(cls, schedule: str) -> str:
        if schedule != MANUAL and not _ONCE_A_DAY.fullmatch(schedule):
            raise ValueError(
                f"{schedule!r} is not the time of one run a day: give minute and hour as in `30 5 * * *`, or `manual`"
            )
        return schedule

    @field_validator("owner_link")
    @classmethod
    def _is_link(cls, link: str | None) -> str | None:
        if link is not None and not _LINK.fullmatch(link):
            raise ValueError(f"{link!r} does not begin with https://, http:// or mailto:")
        return link


def check_dag(dag: Dag, owner: str, shards: Shards | None) -> None:
    """Check that the DAG can be of the form.

    Raises:
        ValueError: it cannot.
    """
    if dag.single_task and shards is not None:
        raise ValueError("dag.single_task: a day in `shards` needs a task for each of them")
    if dag.owner_link and not owner:
        raise ValueError("dag.owner_link: needs an `owner`")
