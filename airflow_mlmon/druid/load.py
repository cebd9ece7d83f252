"""Loads one partition into Druid: submit, wait, reconcile.

A load is over when Druid's own report counts as many rows as the partition has, none dropped and
none with errors, and the broker serves just these. Its task's id says what is loaded, so a retry,
or a second run at once, joins the task that is there instead of starting another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_mlmon.druid.answers import TaskReport, TaskState
from airflow_mlmon.druid.client import DruidClient, quote_identifier
from airflow_mlmon.druid.ingestion import (
    CONTENT_COLUMN,
    TIME_COLUMN,
    Datasource,
    druid_interval,
    ingestion_task,
    task_id,
)
from airflow_mlmon.errors import (
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.partition import Partition

log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 100
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class DruidLoad:
    """What Druid serves for a partition; `task_id` is None when it was emptied, `segments` when unknown."""

    task_id: str | None
    rows: int
    segments: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a task, then for its report and the broker, and how often to ask."""

    task_s: float = 3600.0
    visible_s: float = 90.0
    poll_s: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """One load: what is put where, with how much patience."""

    client: DruidClient
    datasource: Datasource
    partition: Partition
    rows: int
    version: str
    patience: Patience

    def __str__(self) -> str:
        return f"{self.partition} ({self.datasource.name}, version {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What the broker counts in an interval: all rows, and those of one version of the content."""

    rows: int
    of_version: int


def load_partition(
    client: DruidClient,
    *,
    datasource: Datasource,
    partition: Partition,
    input_urls: Sequence[str],
    rows: int,
    version: str,
    clear_number: int = 0,
    on_submitted: Callable[[str], None] | None = None,
    patience: Patience | None = None,
) -> DruidLoad:
    """Put the rows in the place of those that Druid has for the partition, and see them served.

    Args:
        client: the cluster.
        datasource: the table to load.
        partition: the interval that is replaced.
        input_urls: gzip JSON Lines; see `ingestion_task`.
        rows: how many rows they hold; 0 is refused, because an empty input would empty the interval.
        version: names the content, such as a hash of it.
        clear_number: how often the Airflow run was cleared; a cleared run loads again.
        on_submitted: is told the id of the task before the wait for it, to be able to stop it.
        patience: how long to wait.

    Raises:
        ServiceRejectedError: the task failed, or did not take every row.
        ServiceUnavailableError: Druid did not answer, or not in time; a retry joins the task.
        PartitionConflictError: another run loaded other content meanwhile.
    """
    if rows < 1:
        raise ValueError(f"{partition} has no rows to load: empty_partition empties it on purpose")
    load = _Load(
        client=client,
        datasource=datasource,
        partition=partition,
        rows=rows,
        version=version,
        patience=patience or Patience(),
    )
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        name = task_id(datasource, partition, version=version, clear_number=clear_number, attempt=attempt)
        task = ingestion_task(name, datasource, partition, input_urls=input_urls, version=version)
        if (done := _attempt(load, task, on_submitted)) is not None:
            return done
    raise ServiceRejectedError(
        f"Druid failed {_MOST_ATTEMPTS} times to load {load}.", hint="clear the run when the cause is gone"
    )


def _attempt(load: _Load, task: dict[str, Any], on_submitted: Callable[[str], None] | None) -> DruidLoad | None:
    """The load by one task; None when that id is used up: it failed earlier, or its rows were replaced since."""
    name = task["id"]
    earlier = load.client.task_status(name)
    if earlier is not None and earlier.state is TaskState.FAILED:
        return None
    if earlier is None:
        # when Druid knows the id by now, another run was quicker, and its task is ours
        load.client.submit(task)
    log.info("Druid loads %s in task %s.", load, name)
    if on_submitted is not None:
        on_submitted(name)
    _await_success(load, name)
    return _reconcile(load, name, may_be_replaced=earlier is not None and earlier.state is TaskState.SUCCESS)


def empty_partition(
    client: DruidClient, *, datasource: Datasource, partition: Partition, patience: Patience | None = None
) -> DruidLoad:
    """Take what Druid has for a partition that became empty out of service, on purpose.

    Raises:
        ServiceUnavailableError: the broker still serves rows after the wait.
    """
    patience = patience or Patience()
    segments = client.mark_unused(datasource.name, druid_interval(partition))

    def look() -> bool | None:
        return _count(client, datasource, partition, "").rows == 0 or None

    if _await(look, patience.visible_s, patience) is None:
        raise ServiceUnavailableError(f"Druid still serves rows of {partition} in {datasource.name}.")
    return DruidLoad(task_id=None, rows=0, segments=segments)


def _await_success(load: _Load, name: str) -> None:
    def look() -> bool | None:
        status = load.client.task_status(name)
        if status is None:
            raise ServiceRejectedError(f"Druid no longer knows the task {name}.", hint="run the partition again")
        if status.state is TaskState.FAILED:
            raise ServiceRejectedError(
                f"Druid did not load {load}: {status.error or 'no reason given'}",
                hint="the task's log in Druid's console says more",
                task_id=name,
            )
        return status.state is TaskState.SUCCESS or None

    if _await(look, load.patience.task_s, load.patience) is None:
        raise ServiceUnavailableError(
            f"Druid has not loaded {load} in {load.patience.task_s:g} s; task {name} goes on.",
            hint="a retry joins the task",
            task_id=name,
        )


def _reconcile(load: _Load, name: str, *, may_be_replaced: bool) -> DruidLoad | None:
    """The load as it is served; None for an earlier one whose rows were replaced since."""
    report = _await(lambda: load.client.task_report(name), load.patience.visible_s, load.patience)
    if report is None and may_be_replaced:
        return None
    _check_report(load, name, report)

    def look() -> bool | None:
        return _count(load.client, load.datasource, load.partition, load.version) == expected or None

    expected = _Served(rows=load.rows, of_version=load.rows)
    if _await(look, load.patience.visible_s, load.patience) is not None:
        return DruidLoad(task_id=name, rows=load.rows, segments=report.segments if report else None)
    if may_be_replaced:
        return None
    served = _count(load.client, load.datasource, load.partition, load.version)
    if served.rows > served.of_version:
        raise PartitionConflictError(
            f"Druid serves other content than {load}: another run has loaded it meanwhile.", task_id=name
        )
    raise ServiceUnavailableError(
        f"Druid's broker counts {served.rows} rows of {load}, not {load.rows}, "
        f"{load.patience.visible_s:g} s after task {name} has ended.",
        hint="check that the historicals run and have room",
        task_id=name,
    )


def _check_report(load: _Load, name: str, report: TaskReport | None) -> None:
    if report is None:
        raise ServiceUnavailableError(f"Druid has no report of the task {name}.", task_id=name)
    if not report.rows.is_complete(load.rows):
        raise ServiceRejectedError(
            f"Druid did not take the {load.rows} rows of {load} as they are: {report.rows}.",
            hint="rows are thrown away when their time lies outside the partition",
            task_id=name,
        )


def _count(client: DruidClient, datasource: Datasource, partition: Partition, version: str) -> _Served:
    time_column, table = quote_identifier(TIME_COLUMN), quote_identifier(datasource.name)
    # the identifiers are quoted, the values are bound
    query = (
        f"SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE {quote_identifier(CONTENT_COLUMN)} = ?) AS v "  # noqa: S608
        f"FROM {table} WHERE {time_column} >= ? AND {time_column} < ?"
    )
    try:
        [row] = client.sql(query, [version, partition.start, partition.end])
    except NotFoundError:
        return _Served(rows=0, of_version=0)
    return _Served(rows=row["n"], of_version=row["v"])


def _await(look: Callable[[], _Found | None], limit_s: float, patience: Patience) -> _Found | None:
    """What `look` finds, once it finds something; None when it has not for `limit_s` seconds.

    A Druid that does not answer for a while is no reason to give up a task that goes on in it.
    """
    deadline = patience.clock() + limit_s
    while True:
        try:
            if (found := look()) is not None:
                return found
        except ServiceUnavailableError as error:
            if patience.clock() >= deadline:
                raise
            log.warning("Waiting for Druid: %s", error.message)
        if patience.clock() >= deadline:
            return None
        patience.sleep(patience.poll_s)
