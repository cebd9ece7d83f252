"""Loads one version of a partition into Druid: begin, wait, finish.

A load is over when Druid's own report counts as many rows as the partition has, none dropped and
none with errors, and the broker serves just these. The task's id says what is loaded, so a retry,
or a second run at once, joins the task that is there instead of starting another.
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
from airflow_mlmon.druid.ingestion import CONTENT_COLUMN, TIME_COLUMN, Datasource, druid_interval, task_id
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
# the rows are not to blame when a worker is lost, somebody stops the task, or the input is gone
_NOT_THE_ROWS = re.compile(
    r"disappeared|Shutdown request|worker cleanup|[Ff]ailed to assign|did not start it in timeout|exited unsuccessfully"
    r"|trying to read uri|InsertCannotBeEmpty"
)
# what becomes of a row outside the interval: see `ingestion_task`
_OUTSIDE = re.compile(r"transform value for __time|by zero")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One version of a partition's rows that a datasource shall serve.

    `version` names the content, such as a hash of it; `clear_number` says how often the Airflow
    run was cleared: a cleared run loads again.
    """

    datasource: Datasource
    partition: Partition
    version: str
    rows: int
    clear_number: int = 0
    ingestion: DruidIngestion = DruidIngestion.NATIVE

    def __post_init__(self) -> None:
        """Refuse no rows: an empty input would empty the interval."""
        if self.rows < 1:
            raise ValueError(f"{self.partition} has no rows to load: empty_partition empties it on purpose")

    def __str__(self) -> str:
        """The partition, and what of it is loaded where."""
        return f"{self.partition} ({self.datasource.name}, version {self.version})"

    def task_id(self, attempt: int) -> str:
        """The id of the task that loads it: the same load has the same ids, whoever starts it."""
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
    """A load whose task Druid has; `was_over` when the task had ended well before."""

    load: Load
    attempt: int
    was_over: bool

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self.load.task_id(self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class DruidLoad:
    """What Druid serves for a partition; `task_id` is None when it was emptied, `segments` when unknown."""

    task_id: str | None
    rows: int
    segments: int | None


class NotServed(Enum):
    """Why the rows of a task that ended well are not served.

    Others took their place; or it read none. Where Druid does not find a file that it is to read, it takes
    that for no rows.
    """

    REPLACED = auto()
    UNREAD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for a task, then for its report and the broker; `poll_s` is the longest pause between looks."""

    task_s: float = 3600.0
    visible_s: float = 90.0
    poll_s: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the broker counts in an interval: all rows, and those of one version of the content."""

    rows: int
    of_version: int


def begin_load(client: DruidClient, load: Load, hand_in: HandIn, *, first: int = 1) -> Begun:
    """See that Druid has a task for the load: of the first id, from `first` on, that has not failed.

    `hand_in` hands in the task of an id that Druid does not know.

    Raises:
        ServiceRejectedError: Druid does not take the task.
        ServiceUnavailableError: Druid does not answer.
    """
    for attempt in range(first, first + _MOST_ATTEMPTS):
        name = load.task_id(attempt)
        status = client.task_status(name)
        if status is not None and status.state is TaskState.FAILED:
            continue
        if status is None:
            # when Druid knows the id by now, another run was quicker, and its task is ours
            hand_in(name)
        log.info("Druid loads %s in task %s.", load, name)
        return Begun(load=load, attempt=attempt, was_over=status is not None and status.state is TaskState.SUCCESS)
    raise ServiceRejectedError(
        f"Druid failed {_MOST_ATTEMPTS} times to load {load}.", hint="clear the run when the cause is gone"
    )


def await_tasks(client: DruidClient, task_ids: Collection[str], patience: Patience) -> None:
    """Wait until none of the tasks runs any more, or for as long as patience lasts."""

    def look() -> bool | None:
        return not client.is_any_running(task_ids) or None

    _await(look, patience.task_s, patience)


def finish_load(client: DruidClient, begun: Begun, patience: Patience) -> DruidLoad | NotServed:
    """The load as it is served, or why it is to be begun anew.

    Raises:
        ServiceRejectedError: the task failed, or did not take every row.
        ServiceUnavailableError: the task goes on or got lost, or the broker does not serve its rows; a
            retry joins the task, or starts the next.
    """
    status = client.task_status(begun.task_id)
    if status is None or status.state is not TaskState.SUCCESS:
        raise _not_loaded(begun, status)
    report = _await(lambda: client.task_report(begun.task_id), patience.visible_s, patience)
    if report is None and begun.was_over:
        return NotServed.REPLACED
    if report is not None and report.rows.is_complete(0):
        log.warning("Druid's task %s has ended well, and has read nothing.", begun.task_id)
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
        f"Druid's broker counts {served.rows} rows of {load}, not {load.rows}, "
        f"{patience.visible_s:g} s after task {begun.task_id} has ended.",
        hint="check that the historicals run and have room",
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
    """Put the rows in the place of those that Druid has for the partition, and see them served.

    Args:
        client: the cluster.
        load: what is loaded where.
        hand_in: hands in the task of the id that it is given.
        on_begun: is told the id of the task before the wait for it, to be able to stop it.
        patience: how long to wait.

    Raises:
        ServiceError: as `begin_load` and `finish_load` do, or Druid does not find the input.
        PartitionConflictError: other content takes its place each time.
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
    raise given_up(load.partition, why)


def given_up(partition: Partition, why: NotServed) -> MlmonError:
    """The error of a load that was begun anew again and again."""
    if why is NotServed.UNREAD:
        return ServiceRejectedError(
            f"Druid's tasks to load {partition} ended well, and had read nothing.",
            hint="the workspace must be in S3, or in a folder that Druid's workers see under the same path",
        )
    return PartitionConflictError(
        f"Each time that Druid had loaded {partition}, other content had taken its place.",
        hint="see which runs load the same day",
    )


def empty_partition(
    client: DruidClient, datasource: str, partition: Partition, *, patience: Patience | None = None
) -> DruidLoad:
    """Take what Druid has for a partition that became empty out of service, on purpose.

    Raises:
        ServiceUnavailableError: the broker still serves rows after the wait.
    """
    patience = patience or Patience()
    segments = client.mark_unused(datasource, druid_interval(partition))

    def look() -> bool | None:
        return count_served(client, datasource, partition).rows == 0 or None

    if _await(look, patience.visible_s, patience) is None:
        raise ServiceUnavailableError(f"Druid still serves rows of {partition} in {datasource}.")
    return DruidLoad(task_id=None, rows=0, segments=segments)


def count_served(client: DruidClient, datasource: str, partition: Partition, version: str = "") -> Served:
    """What the broker serves for a partition; nothing when it does not know the datasource, or ours is not in it."""
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
    """Wait until the broker plans with the columns that were loaded.

    It looks at new segments once a minute by default: until then a new column is unknown to it, and
    a widened one loses its digits. Where an older day is redone, some clusters keep to the types of
    the newest day, so that this is no reason to fail.
    """

    def look() -> bool | None:
        return not client.lagging_columns(datasource) or None

    if _await(look, patience.visible_s, patience) is None:
        names = ", ".join(client.lagging_columns(datasource))
        log.warning("Druid's broker does not show these columns of %s as they were loaded: %s", datasource.name, names)


def _not_loaded(begun: Begun, status: TaskStatus | None) -> MlmonError:
    name = begun.task_id
    if status is None:
        return ServiceUnavailableError(
            f"Druid no longer knows the task {name}.", hint="a retry hands it in again", task_id=name
        )
    if status.state is TaskState.RUNNING:
        return ServiceUnavailableError(
            f"Druid has not loaded {begun.load} yet; task {name} goes on.", hint="a retry joins the task", task_id=name
        )
    said = f"Druid did not load {begun.load}: {status.error or 'no reason given'}"
    if _NOT_THE_ROWS.search(status.error):
        return ServiceUnavailableError(said, hint="a retry starts the next task", task_id=name)
    hint = "the task's log in Druid's console says more"
    if _OUTSIDE.search(status.error):
        hint = "a row's time lies outside the partition"
    return ServiceRejectedError(said, hint=hint, task_id=name)


def _check_report(begun: Begun, report: TaskReport | None) -> None:
    if report is None:
        raise ServiceUnavailableError(f"Druid has no report of the task {begun.task_id}.", task_id=begun.task_id)
    if not report.rows.is_complete(begun.load.rows):
        raise ServiceRejectedError(
            f"Druid did not take the {begun.load.rows} rows of {begun.load} as they are: {report.rows}.",
            hint="rows are thrown away when their time lies outside the partition",
            task_id=begun.task_id,
        )


def _await(look: Callable[[], _Found | None], limit_s: float, patience: Patience) -> _Found | None:
    """What `look` finds, once it finds something; None when it has not for `limit_s` seconds.

    A Druid that does not answer for a while is no reason to give up a task that goes on in it.
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
