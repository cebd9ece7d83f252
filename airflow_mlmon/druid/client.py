"""Speaks to one Druid cluster: tasks, SQL, segments.

Every call is bounded in time and tries; what Druid says is returned and raised without secrets.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from airflow_mlmon.druid.answers import (
    ClusterStatus,
    SegmentColumns,
    TaskReport,
    TaskState,
    TaskStatus,
    parse_cluster_status,
    parse_segment_columns,
    parse_task_report,
    parse_task_status,
)
from airflow_mlmon.druid.auth import Auth
from airflow_mlmon.druid.ingestion import SQL_TASK, Datasource, DimensionType, druid_time
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.druid.transport import Answer, Transport
from airflow_mlmon.errors import MlmonError, NotFoundError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.partition import Partition

SqlValue = str | int | float | bool | datetime | None
_Parsed = TypeVar("_Parsed")
_TASKS = "/druid/indexer/v1/task"
_RULES = "/druid/coordinator/v1/rules"
_COMPACTION = "/druid/coordinator/v1/config/compaction"
_TYPES_THAT_HOLD = {
    DimensionType.LONG: {"BIGINT", "DOUBLE", "VARCHAR"},
    DimensionType.DOUBLE: {"DOUBLE", "VARCHAR"},
    DimensionType.STRING: {"VARCHAR"},
}
_SQL_TASK_CONTEXT = {
    # a controller and one worker
    "maxNumTasks": 2,
    "maxParseExceptions": 0,
    "failOnEmptyInsert": True,
    "finalizeAggregations": False,
    "sqlTimeZone": "UTC",
}
_RESOURCE_LIMIT = "Resource limit exceeded"
_UNKNOWN_NAME = re.compile(r"(?:Object|Column) '[^']*' not found")


class ResourceLimitError(ServiceRejectedError):
    """A query took more memory than Druid gives it; fewer at once may not."""


class DruidClient:
    """The calls that are made to one cluster.

    Args:
        base_url: the router with its management proxy, such as http://router:8888.
        auth: sent to the host of `base_url` and to `redirect_hosts`, nowhere else.
        timeout_s: bound of each silence, and of the whole answer.
        connect_timeout_s: bound of the connecting.
        verify: whether Druid's certificate is checked, or the path of the CA certificates to check it against.
        client_certificate: paths of the certificate and the key to show to Druid.
        redirect_hosts: `host:port` of the services that a 307 may lead to.
        retry: how often a request is tried, and after which pauses.
        session: an open requests session to use.
        sleep: waits between tries.
        random: gives numbers in [0, 1) for the jitter of the pauses.

    Raises:
        ConfigError: the URL is not one, or carries credentials.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 10.0,
        verify: bool | str = True,
        client_certificate: tuple[str, str] | None = None,
        redirect_hosts: Collection[str] = (),
        retry: Retry | None = None,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._transport = Transport(
            base_url,
            auth=auth,
            timeout_s=timeout_s,
            connect_timeout_s=connect_timeout_s,
            verify=verify,
            client_certificate=client_certificate,
            redirect_hosts=redirect_hosts,
            retry=retry or Retry(),
            session=session or requests.Session(),
            sleep=sleep,
            random=random,
        )

    @property
    def base_url(self) -> str:
        """Where the cluster is reached."""
        return self._transport.base_url

    def redact(self, text: str) -> str:
        """The text without the secrets of this client and of signed URLs."""
        return self._transport.redact(text)

    def status(self) -> ClusterStatus:
        """The version of the cluster and its extensions."""
        return self._parsed(parse_cluster_status, self._expect(self._transport.send("GET", "/status")))

    def extensions(self) -> tuple[str, ...]:
        """The extensions of the overlord, which takes the tasks; a router may have others."""
        answer = self._transport.send("GET", "/proxy/overlord/status")
        if not answer.is_success:
            return self.status().extensions
        return self._parsed(parse_cluster_status, answer.data).extensions

    def has_sql_tasks(self) -> bool:
        """Whether the cluster ingests by SQL; newer ones do without the extension that older ones name."""
        answer = self._transport.send("GET", "/druid/v2/sql/task/enabled")
        return answer.is_success and isinstance(answer.data, Mapping) and answer.data.get("enabled") is True

    def submit(self, task: Mapping[str, Any]) -> bool:
        """Hand in a task; False when Druid has had one of that id before, whatever became of it.

        Raises:
            ServiceRejectedError: Druid does not take the task.
        """
        if not task.get("id"):
            raise ValueError("a task needs an id: only then may it be handed in twice")
        answer = self._transport.send("POST", _TASKS, task)
        if _is_known_id(answer):
            return False
        self._expect(answer)
        return True

    def submit_sql(self, task_id: str, query: str) -> bool:
        """Hand in an ingestion by SQL as the task of that id; False when Druid has had one.

        Raises:
            ServiceRejectedError: Druid does not take the query, or has no SQL-based ingestion.
        """
        prefix, _, name = task_id.partition(SQL_TASK)
        if prefix or not name:
            raise ValueError(f"Druid names a task of SQL {SQL_TASK}…, not {task_id}")
        body = {"query": query, "context": _SQL_TASK_CONTEXT | {"sqlQueryId": name}}
        try:
            self._expect(self._transport.send("POST", "/druid/v2/sql/task", body))
        except ServiceUnavailableError:
            # a known id is answered by 500, as is a broker that has lost the overlord
            if self.task_status(task_id) is None:
                raise
            return False
        return True

    def task_status(self, task_id: str) -> TaskStatus | None:
        """Where a task stands; None when Druid knows none of that id."""
        answer = self._transport.send("GET", f"{_TASKS}/{_quoted(task_id)}/status")
        if _is_unknown(answer):
            return None
        status = self._parsed(parse_task_status, self._expect(answer))
        return TaskStatus(id=status.id, state=status.state, error=self.redact(status.error))

    def is_any_running(self, task_ids: Iterable[str]) -> bool:
        """Whether one of the tasks has not ended; Druid need not know all of them.

        They are asked for one by one: the answer about many repeats what the workers say, and one
        that has lost a stopped task says RUNNING for ever.
        """
        states = (self.task_status(task_id) for task_id in task_ids)
        return any(status is not None and status.state is TaskState.RUNNING for status in states)

    def task_report(self, task_id: str) -> TaskReport | None:
        """What a finished task did; None when there is no report, or not yet."""
        answer = self._transport.send("GET", f"{_TASKS}/{_quoted(task_id)}/reports")
        if _is_unknown(answer):
            return None
        return self._parsed(parse_task_report, self._expect(answer))

    def shutdown(self, task_id: str) -> bool:
        """Stop a task, if it still runs; False when Druid knows none of that id."""
        answer = self._transport.send("POST", f"{_TASKS}/{_quoted(task_id)}/shutdown")
        if _is_unknown(answer):
            return False
        self._expect(answer)
        return True

    def shutdown_all(self, task_ids: Iterable[str]) -> None:
        """Stop each of the tasks that still runs, even when one of them cannot be reached.

        Raises:
            MlmonError: the last that went wrong.
        """
        failure = None
        for task_id in task_ids:
            try:
                self.shutdown(task_id)
            except MlmonError as error:
                failure = error
        if failure is not None:
            raise failure

    def sql(self, query: str, parameters: Sequence[SqlValue] = ()) -> list[dict[str, Any]]:
        """The rows of a query; `parameters` stand for its question marks.

        Raises:
            NotFoundError: there is no such datasource or column (yet).
            ResourceLimitError: it takes more memory than Druid gives a query.
            ServiceRejectedError: Druid does not take the query.
        """
        body = {
            "query": query,
            "parameters": [_parameter(value) for value in parameters],
            "resultFormat": "object",
            "context": self._context() | {"sqlTimeZone": "UTC", "useApproximateCountDistinct": False},
        }
        answer = self._transport.send("POST", "/druid/v2/sql", body)
        if answer.status == HTTPStatus.BAD_REQUEST and _UNKNOWN_NAME.search(answer.message):
            raise NotFoundError(f"Druid knows no such datasource or column: {answer.message}")
        if isinstance(answer.data, Mapping) and answer.data.get("error") == _RESOURCE_LIMIT:
            raise ResourceLimitError(f"Druid at {self.base_url} ran out of memory for a query: {answer.message}")
        return [dict(row) for row in self._expect(answer)]

    def segment_columns(self, datasource: str, interval: Partition) -> list[SegmentColumns]:
        """The columns of each segment that is served of an interval; none where there is no such datasource."""
        query = {
            "queryType": "segmentMetadata",
            "dataSource": datasource,
            "intervals": [f"{druid_time(interval.start)}/{druid_time(interval.end)}"],
            "merge": False,
            "analysisTypes": ["interval"],
            "context": self._context(),
        }
        answer = self._transport.send("POST", "/druid/v2", query)
        return self._parsed(parse_segment_columns, self._expect(answer))

    def lagging_columns(self, datasource: Datasource) -> list[str]:
        """The columns that the broker does not know, or knows by a type that cannot hold their values."""
        query = "SELECT COLUMN_NAME AS c, DATA_TYPE AS t FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ?"
        known = {row["c"]: row["t"] for row in self.sql(query, [datasource.name])} if datasource.dimensions else {}
        return [
            dimension.name
            for dimension in datasource.dimensions
            if known.get(dimension.name) not in _TYPES_THAT_HOLD[dimension.type]
        ]

    def mark_unused(self, datasource: str, interval: str) -> int | None:
        """Take the segments that lie within `interval` out of service; how many, where Druid says."""
        path = f"/druid/coordinator/v1/datasources/{_quoted(datasource)}/markUnused"
        answer = self._transport.send("POST", path, {"interval": interval})
        if answer.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND} and not answer.is_html:
            return 0
        count = self._expect(answer).get("numChangedSegments")
        return None if count is None else int(count)

    def _context(self) -> dict[str, Any]:
        # an answer from a cache could be that of the segments before
        timeout = int(self._transport.timeout_s * 1000)
        return {"timeout": timeout, "useCache": False, "useResultLevelCache": False}

    def retention_rules(self, datasource: str) -> list[dict[str, Any]]:
        """The datasource's own retention rules; none where only the cluster's hold."""
        return [dict(rule) for rule in self._expect(self._transport.send("GET", f"{_RULES}/{_quoted(datasource)}"))]

    def set_retention_rules(self, datasource: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the datasource's own retention rules."""
        self._expect(self._transport.send("POST", f"{_RULES}/{_quoted(datasource)}", list(rules)))

    def compaction(self, datasource: str) -> dict[str, Any] | None:
        """How the datasource is compacted; None when it is not."""
        answer = self._transport.send("GET", f"{_COMPACTION}/{_quoted(datasource)}")
        return None if _is_unknown(answer) else dict(self._expect(answer))

    def set_compaction(self, settings: Mapping[str, Any]) -> None:
        """Replace how the datasource that `settings` name is compacted."""
        self._expect(self._transport.send("POST", _COMPACTION, settings))

    def delete_compaction(self, datasource: str) -> None:
        """See that the datasource is not compacted any more."""
        answer = self._transport.send("DELETE", f"{_COMPACTION}/{_quoted(datasource)}")
        if not _is_unknown(answer):
            self._expect(answer)

    def _expect(self, answer: Answer) -> Any:
        if answer.is_success:
            return answer.data
        raise self._rejection(answer)

    def _rejection(self, answer: Answer) -> MlmonError:
        hint = ""
        if answer.status == HTTPStatus.NOT_FOUND:
            hint = "the URL must be that of a router with druid.router.managementProxy.enabled=true"
        return ServiceRejectedError(
            f"Druid at {self.base_url} answered {answer.status}: {answer.message}", hint=hint, status=answer.status
        )

    def _parsed(self, parse: Callable[[Any], _Parsed], data: Any) -> _Parsed:
        try:
            return parse(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceRejectedError(
                f"Druid at {self.base_url} gave an answer of an unknown shape: {error!r}.",
                hint="check that the URL is Druid's and its version is 25 or later",
            ) from error


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _is_unknown(answer: Answer) -> bool:
    # a page is not Druid's own 404 but that of a router that does not pass tasks on
    return answer.status == HTTPStatus.NOT_FOUND and not answer.is_html


def _is_known_id(answer: Answer) -> bool:
    if answer.status != HTTPStatus.BAD_REQUEST or not isinstance(answer.data, Mapping):
        return False
    return answer.data.get("errorCode") == "entryAlreadyExists" or "already exists" in answer.message


def _parameter(value: SqlValue) -> dict[str, Any]:
    match value:
        case bool():
            return {"type": "BOOLEAN", "value": value}
        case int():
            return {"type": "BIGINT", "value": value}
        case float():
            return {"type": "DOUBLE", "value": value}
        case datetime():
            return {"type": "TIMESTAMP", "value": druid_time(value)}
        case _:
            return {"type": "VARCHAR", "value": value}
