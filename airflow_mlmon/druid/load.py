"""Ingestion of one version of a partition into Druid: begin, wait, finish.

An ingestion is complete when Druid's own report counts as many rows as the partition has, none dropped and none
with errors, and the broker serves exactly these. The task id identifies the content, so a retry or a
concurrent run joins the existing task instead of starting another.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from airflow_mlmon.druid.answers import TaskReport, TaskState, TaskStatus
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import CONTENT_COLUMN, TIME_COLUMN, Datasource, format_druid_interval, task_id
from airflow_mlmon.druid.retry import pause_s
from airflow_mlmon.druid.sql import quote_identifier
from airflow_mlmon.errors import (
    MlmonError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.druid import DruidIngestion

log = logging.getLogger(__name__)

HandIn = Callable[[str], object]
MOST_ROUNDS = 5
_MOST_ATTEMPTS = 100
# the rows are not at fault if a worker is lost, somebody cancels the task, or the input is gone
_NOT_THE_ROWS = re.compile(
    r"disappeared|Shutdown request|worker cleanup|[Ff]ailed to assign|did not start it in timeout|exited unsuccessfully"
    r"|trying to read uri|InsertCannotBeEmpty"
)
# effect of a row outside the interval: see `build_ingestion_task`
_OUTSIDE = re.compile(r"transform value for __time|by zero")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Version of a partition's rows to be served by a datasource.

    `version` identifies the content, such as a hash of it; `clear_number` counts how often the Airflow run was
    cleared: a cleared run ingests again.
    """

    datasource: Datasource
    partition: Partition
    version: str
    rows: int
    clear_number: int = 0
    ingestion: DruidIngestion = DruidIngestion.NATIVE

    def __post_init__(self) -> None:
        """Refuse an empty ingestion, which would empty the interval."""
        if self.rows < 1:
            raise ValueError(f"{self.partition} has no rows to ingest; to empty it on purpose, use empty_partition")

    def __str__(self) -> str:
        """Format the partition, the datasource and the version."""
        return f"{self.partition} ({self.datasource.name}, version {self.version})"

    def task_id(self, attempt: int) -> str:
        """Return the id of an attempt's task; the same ingestion has the same ids, whoever starts it."""
        return task_id(
            self.datasource.name,
            self.partition,
            version=self.version,
            clear_number=self.clear_number,
            attempt=attempt,
            ingestion=self.ingestion,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Ingestion whose task Druid has; `was_over` if the task had ended well before."""

    load: Load
    attempt: int
    was_over: bool

    @property
    def task_id(self) -> str:
        """Id of the task."""
        return self.load.task_id(self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class DruidLoad:
    """Ingestion as served by Druid; `task_id` is None if it was emptied, `segments` if unknown."""

    task_id: str | None
    rows: int
    segments: int | None


class NotServed(Enum):
    """Reason why the rows of a successful task are not served.

    Others replaced them, or the task read none: Druid treats an input file that it does not find as having no
    rows.
    """

    REPLACED = auto()
    UNREAD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits for a task, its report and the broker, in seconds; `poll_s` is the longest pause between polls."""

    task_s: float = 3600.0
    visible_s: float = 90.0
    poll_s: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Broker's row counts in an interval: all rows, and those of one content version."""

    rows: int
    of_version: int


def begin_load(client: DruidClient, load: Load, hand_in: HandIn, *, first: int = 1) -> Begun:
    """Ensure that Druid has a task for the ingestion: the first id, from `first` on, that has not failed.

    `hand_in` submits the task with an id that Druid does not know.

    Raises:
        ServiceRejectedError: Druid rejects the task.
        ServiceUnavailableError: Druid does not answer.
    """
    for attempt in range(first, first + _MOST_ATTEMPTS):
        name = load.task_id(attempt)
        status = client.task_status(name)
        if status is not None and status.state is TaskState.FAILED:
            continue
        if status is None:
            # if Druid knows the id by now, a concurrent run was faster, and its task is ours
            hand_in(name)
        log.info("Druid ingests %s in task %s.", load, name)
        return Begun(load=load, attempt=attempt, was_over=status is not None and status.state is TaskState.SUCCESS)
    raise ServiceRejectedError(
        f"Druid failed {_MOST_ATTEMPTS} times to ingest {load}.", hint="clear the run once the cause is fixed"
    )


def await_tasks(client: DruidClient, task_ids: Collection[str], patience: Patience) -> None:
    """Wait until none of the tasks runs any more, or until the time limit."""

    def look() -> bool | None:
        return not client.is_any_running(task_ids) or None

    _await(look, patience.task_s, patience)


def finish_load(client: DruidClient, begun: Begun, patience: Patience) -> DruidLoad | NotServed:
    """Check that the ingestion is served, or say why it must be started again.

    Raises:
        ServiceRejectedError: the task failed, or did not ingest every row.
        ServiceUnavailableError: the task still runs or was lost, or the broker does not serve its rows; a
            retry joins the task, or starts the next.
    """
    status = client.task_status(begun.task_id)
    if status is None or status.state is not TaskState.SUCCESS:
        raise _not_loaded(begun, status)
    report = _await(lambda: client.task_report(begun.task_id), patience.visible_s, patience)
    if report is None and begun.was_over:
        return NotServed.REPLACED
    if report is not None and report.rows.is_complete(0):
        log.warning("Druid task %s succeeded, but read no rows.", begun.task_id)
        return NotServed.UNREAD
    _check_report(begun, report)
    load = begun.load
    expected = Served(rows=load.rows, of_version=load.rows)

    def look() -> bool | None:
        return count_served(client, load.datasource.name, load.partition, load.version) == expected or None

    if _await(look, patience.visible_s, patience) is not None:
        _await_columns(client, load.datasource, patience)
        return DruidLoad(task_id=begun.task_id, rows=load.rows, segments=report.segments if report else None)
    served = count_served(client, load.datasource.name, load.partition, load.version)
    if begun.was_over or served.rows > served.of_version:
        return NotServed.REPLACED
    raise ServiceUnavailableError(
        f"Druid's broker serves {served.rows} rows of {load}, expected {load.rows}, "
        f"{patience.visible_s:g} s after task {begun.task_id} ended.",
        hint="check that the historicals run and have free space",
        task_id=begun.task_id,
    )


def load_partition(
    client: DruidClient,
    load: Load,
    hand_in: HandIn,
    *,
    on_begun: Callable[[str], None] | None = None,
    patience: Patience | None = None,
) -> DruidLoad:
    """Replace the rows that Druid has for the partition, and wait until the new ones are served.

    Args:
        client: client of the cluster.
        load: partition, datasource and version.
        hand_in: submits the task with the given id.
        on_begun: receives the id of the task before the wait for it, so that it can be cancelled.
        patience: time limits.

    Raises:
        ServiceError: as in `begin_load` and `finish_load`, or Druid does not find the input.
        PartitionConflictError: other content replaces it each time.
    """
    patience = patience or Patience()
    first, why = 1, NotServed.REPLACED
    for _ in range(MOST_ROUNDS):
        begun = begin_load(client, load, hand_in, first=first)
        if on_begun is not None:
            on_begun(begun.task_id)
        await_tasks(client, [begun.task_id], patience)
        found = finish_load(client, begun, patience)
        if isinstance(found, DruidLoad):
            return found
        first, why = begun.attempt + 1, found
    raise build_load_error(load.partition, why)


def build_load_error(partition: Partition, why: NotServed) -> MlmonError:
    """Build the error of an ingestion that was started again too often."""
    if why is NotServed.UNREAD:
        return ServiceRejectedError(
            f"Druid's tasks to ingest {partition} succeeded, but read no rows.",
            hint="put the workspace in S3, or in a folder that Druid's workers see under the same path",
        )
    return PartitionConflictError(
        f"Each time Druid had ingested {partition}, other content replaced it.",
        hint="check which runs ingest the same day",
    )


def empty_partition(
    client: DruidClient, datasource: str, partition: Partition, *, patience: Patience | None = None
) -> DruidLoad:
    """Mark the segments of a partition that became empty as unused, on purpose.

    Raises:
        ServiceUnavailableError: the broker still serves rows after the time limit.
    """
    patience = patience or Patience()
    segments = client.mark_unused(datasource, format_druid_interval(partition))

    def look() -> bool | None:
        return count_served(client, datasource, partition).rows == 0 or None

    if _await(look, patience.visible_s, patience) is None:
        raise ServiceUnavailableError(f"Druid still serves rows of {partition} in {datasource}.")
    return DruidLoad(task_id=None, rows=0, segments=segments)


def count_served(client: DruidClient, datasource: str, partition: Partition, version: str = "") -> Served:
    """Count the rows that the broker serves for a partition; none if it does not know the datasource or our column."""
    content, time_column = quote_identifier(CONTENT_COLUMN), quote_identifier(TIME_COLUMN)
    # the identifiers are quoted, the values are bound
    query = (
        f"SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE {content} = ?) AS v "  # noqa: S608
        f"FROM {quote_identifier(datasource)} WHERE {time_column} >= ? AND {time_column} < ?"
    )
    try:
        [row] = client.sql(query, [version, partition.start, partition.end])
    except NotFoundError:
        return Served(rows=0, of_version=0)
    return Served(rows=row["n"], of_version=row["v"])


def _await_columns(client: DruidClient, datasource: Datasource, patience: Patience) -> None:
    """Wait until the broker plans with the ingested columns.

    By default it looks at new segments once a minute: until then it does not know a new column, and truncates a
    widened one. When an older day is ingested again, some clusters keep the types of the newest day, so this is
    no reason to fail.
    """

    def look() -> bool | None:
        return not client.lagging_columns(datasource) or None

    if _await(look, patience.visible_s, patience) is None:
        names = ", ".join(client.lagging_columns(datasource))
        log.warning("Druid's broker does not show these columns of %s as ingested: %s", datasource.name, names)


def _not_loaded(begun: Begun, status: TaskStatus | None) -> MlmonError:
    name = begun.task_id
    if status is None:
        return ServiceUnavailableError(
            f"Druid no longer knows task {name}.", hint="a retry submits it again", task_id=name
        )
    if status.state is TaskState.RUNNING:
        return ServiceUnavailableError(
            f"Druid has not ingested {begun.load} yet; task {name} still runs.",
            hint="a retry joins the task",
            task_id=name,
        )
    said = f"Druid failed to ingest {begun.load}: {status.error or 'no reason given'}"
    if _NOT_THE_ROWS.search(status.error):
        return ServiceUnavailableError(said, hint="a retry starts the next task", task_id=name)
    hint = "see the log of the task in Druid's console"
    if _OUTSIDE.search(status.error):
        hint = "the time of a row is outside the partition"
    return ServiceRejectedError(said, hint=hint, task_id=name)


def _check_report(begun: Begun, report: TaskReport | None) -> None:
    if report is None:
        raise ServiceUnavailableError(f"Druid has no report of task {begun.task_id}.", task_id=begun.task_id)
    if not report.rows.is_complete(begun.load.rows):
        raise ServiceRejectedError(
            f"Druid did not ingest all {begun.load.rows} rows of {begun.load}: {report.rows}.",
            hint="rows are dropped if their time is outside the partition",
            task_id=begun.task_id,
        )


def _await(look: Callable[[], _Found | None], limit_s: float, patience: Patience) -> _Found | None:
    """Poll until `look` finds something, and return it; None after `limit_s` seconds.

    A Druid that does not answer for a while is no reason to give up a running task.
    """
    began = patience.clock()
    deadline = began + limit_s
    while True:
        try:
            if (found := look()) is not None:
                return found
        except ServiceUnavailableError as error:
            if patience.clock() >= deadline:
                raise
            log.warning("Waiting for Druid: %s", error.message)
        if (now := patience.clock()) >= deadline:
            return None
        patience.sleep(min(pause_s(now - began, patience.poll_s), deadline - now))
