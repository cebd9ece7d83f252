"""Client of one Druid cluster: tasks, SQL, segments.

Every call is bounded in time and attempts; Druid's answers and errors contain no secrets.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
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
    parse_task_slots,
    parse_task_status,
)
from airflow_mlmon.druid.auth import Auth
from airflow_mlmon.druid.ingestion import SQL_TASK, Datasource, DimensionType, format_druid_time
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
    "maxParseExceptions": 0,
    "failOnEmptyInsert": True,
    "finalizeAggregations": False,
    "sqlTimeZone": "UTC",
}
_RESOURCE_LIMIT = "Resource limit exceeded"
_UNKNOWN_NAME = re.compile(r"(?:Object|Column) '[^']*' not found")


class ResourceLimitError(ServiceRejectedError):
    """Query that exceeded the memory that Druid grants it; fewer concurrent queries may succeed."""


class DruidClient:
    """Client of one Druid cluster.

    Args:
        base_url: router with its management proxy, such as http://router:8888.
        auth: sent to the host of `base_url` and to `redirect_hosts` only.
        timeout_s: limit of each silence, and of the whole answer, in seconds.
        connect_timeout_s: limit of connecting, in seconds.
        verify: whether Druid's certificate is verified, or the path of the CA certificates to verify it against.
        client_certificate: paths of the client certificate and its key.
        redirect_hosts: `host:port` of the services that a 307 may lead to.
        retry: number of attempts of a request, and the pauses between them.
        session: an open requests session.
        sleep: waits between attempts.
        random: draws numbers in [0, 1) for the jitter of the pauses.
        queries: client of the broker, if `base_url` is that of an overlord, which answers no queries.

    Raises:
        ConfigError: the URL is invalid, or contains credentials.
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
        queries: DruidClient | None = None,
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
        self._queries = queries._transport if queries else self._transport  # noqa: SLF001 - of the same class

    @property
    def base_url(self) -> str:
        """URL of the cluster."""
        return self._transport.base_url

    def redact(self, text: str) -> str:
        """Remove the secrets of this client and of signed URLs from a text."""
        return self._transport.redact(text)

    def status(self) -> ClusterStatus:
        """Fetch the version of the cluster and its extensions."""
        return self._parsed(parse_cluster_status, self._expect(self._transport.send("GET", "/status")))

    def extensions(self) -> tuple[str, ...]:
        """Fetch the extensions of the overlord, which accepts the tasks; those of a router may differ."""
        answer = self._transport.send("GET", "/proxy/overlord/status")
        if not answer.is_success:
            return self.status().extensions
        return self._parsed(parse_cluster_status, answer.data).extensions

    def has_sql_tasks(self) -> bool:
        """Return whether the cluster ingests by SQL; newer versions do not need the extension of older ones."""
        answer = self._queries.send("GET", "/druid/v2/sql/task/enabled")
        return answer.is_success and isinstance(answer.data, Mapping) and answer.data.get("enabled") is True

    def submit(self, task: Mapping[str, Any]) -> bool:
        """Submit a task; return False if Druid already had one with this id, whatever its state.

        Raises:
            ServiceRejectedError: Druid rejects the task.
        """
        if not task.get("id"):
            raise ValueError("a task needs an id, so that it can be submitted twice")
        answer = self._transport.send("POST", _TASKS, task)
        if _is_known_id(answer):
            return False
        self._expect(answer)
        return True

    def submit_sql(self, task_id: str, query: str, *, workers: int = 1) -> bool:
        """Submit an SQL ingestion as the task with this id; return False if Druid already had one.

        The controller of the workers is one more task.

        Raises:
            ServiceRejectedError: Druid rejects the query, or has no SQL-based ingestion.
        """
        prefix, _, name = task_id.partition(SQL_TASK)
        if prefix or not name:
            raise ValueError(f"the id of an SQL task must begin with {SQL_TASK}, got {task_id}")
        body = {"query": query, "context": _SQL_TASK_CONTEXT | {"sqlQueryId": name, "maxNumTasks": workers + 1}}
        try:
            self._expect(self._queries.send("POST", "/druid/v2/sql/task", body))
        except ServiceUnavailableError:
            # a known id is answered with 500, and so is a broker that has lost the overlord
            if self.task_status(task_id) is None:
                raise
            return False
        return True

    def task_status(self, task_id: str) -> TaskStatus | None:
        """Fetch the status of a task; None if Druid does not know the id."""
        answer = self._transport.send("GET", f"{_TASKS}/{_quoted(task_id)}/status")
        if _is_unknown(answer):
            return None
        status = self._parsed(parse_task_status, self._expect(answer))
        return TaskStatus(id=status.id, state=status.state, error=self.redact(status.error))

    def is_any_running(self, task_ids: Iterable[str]) -> bool:
        """Return whether any of the tasks has not ended; Druid need not know all of them.

        They are queried one by one: the answer about many repeats what the workers report, and a worker that lost a
        stopped task reports RUNNING for ever.
        """
        states = (self.task_status(task_id) for task_id in task_ids)
        return any(status is not None and status.state is TaskState.RUNNING for status in states)

    def task_report(self, task_id: str) -> TaskReport | None:
        """Fetch the report of a finished task; None if there is none yet."""
        answer = self._transport.send("GET", f"{_TASKS}/{_quoted(task_id)}/reports")
        if _is_unknown(answer):
            return None
        return self._parsed(parse_task_report, self._expect(answer))

    def shutdown(self, task_id: str) -> bool:
        """Cancel a task, if it still runs; return False if Druid does not know the id."""
        answer = self._transport.send("POST", f"{_TASKS}/{_quoted(task_id)}/shutdown")
        if _is_unknown(answer):
            return False
        self._expect(answer)
        return True

    def shutdown_all(self, task_ids: Iterable[str]) -> None:
        """Cancel each of the tasks that still runs, even if one of them cannot be reached.

        Raises:
            MlmonError: the last error.
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
        """Query the rows of an SQL statement; `parameters` replace its question marks.

        Raises:
            NotFoundError: the datasource or a column does not exist (yet).
            ResourceLimitError: the query exceeds the memory that Druid grants it.
            ServiceRejectedError: Druid rejects the query.
        """
        body = {
            "query": query,
            "parameters": [_parameter(value) for value in parameters],
            "resultFormat": "object",
            "context": self._context() | {"sqlTimeZone": "UTC", "useApproximateCountDistinct": False},
        }
        answer = self._queries.send("POST", "/druid/v2/sql", body)
        if answer.status == HTTPStatus.BAD_REQUEST and _UNKNOWN_NAME.search(answer.message):
            raise NotFoundError(f"Druid does not know the datasource or column: {answer.message}")
        if isinstance(answer.data, Mapping) and answer.data.get("error") == _RESOURCE_LIMIT:
            raise ResourceLimitError(f"Druid at {self.base_url} ran out of memory for a query: {answer.message}")
        return [dict(row) for row in self._expect(answer)]

    def now(self) -> datetime:
        """Fetch the time of the broker."""
        moment = datetime.fromisoformat(str(self.sql("SELECT CURRENT_TIMESTAMP AS moment")[0]["moment"]))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def task_slots(self) -> tuple[int, int]:
        """Fetch how many task slots the workers have, and how many are in use."""
        workers = self._expect(self._transport.send("GET", "/druid/indexer/v1/workers"))
        return self._parsed(parse_task_slots, workers)

    def segment_columns(self, datasource: str, interval: Partition) -> list[SegmentColumns]:
        """Fetch the columns of each served segment of an interval; none if the datasource does not exist."""
        query = {
            "queryType": "segmentMetadata",
            "dataSource": datasource,
            "intervals": [f"{format_druid_time(interval.start)}/{format_druid_time(interval.end)}"],
            "merge": False,
            "analysisTypes": ["interval"],
            "context": self._context(),
        }
        answer = self._queries.send("POST", "/druid/v2", query)
        return self._parsed(parse_segment_columns, self._expect(answer))

    def lagging_columns(self, datasource: Datasource) -> list[str]:
        """List the columns that the broker does not know, or knows by a type that cannot hold their values."""
        query = "SELECT COLUMN_NAME AS c, DATA_TYPE AS t FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ?"
        known = {row["c"]: row["t"] for row in self.sql(query, [datasource.name])} if datasource.dimensions else {}
        return [
            dimension.name
            for dimension in datasource.dimensions
            if known.get(dimension.name) not in _TYPES_THAT_HOLD[dimension.type]
        ]

    def mark_unused(self, datasource: str, interval: str) -> int | None:
        """Mark the segments within `interval` as unused; return their number, if Druid reports it."""
        path = f"/druid/coordinator/v1/datasources/{_quoted(datasource)}/markUnused"
        answer = self._transport.send("POST", path, {"interval": interval})
        if answer.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND} and not answer.is_html:
            return 0
        count = self._expect(answer).get("numChangedSegments")
        return None if count is None else int(count)

    def _context(self) -> dict[str, Any]:
        # a cached answer could be that of the previous segments
        timeout = int(self._transport.timeout_s * 1000)
        return {"timeout": timeout, "useCache": False, "useResultLevelCache": False}

    def retention_rules(self, datasource: str) -> list[dict[str, Any]]:
        """Fetch the datasource's own retention rules; none if only the cluster's apply."""
        return [dict(rule) for rule in self._expect(self._transport.send("GET", f"{_RULES}/{_quoted(datasource)}"))]

    def set_retention_rules(self, datasource: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the datasource's own retention rules."""
        self._expect(self._transport.send("POST", f"{_RULES}/{_quoted(datasource)}", list(rules)))

    def compaction(self, datasource: str) -> dict[str, Any] | None:
        """Fetch the compaction settings of the datasource; None without compaction."""
        answer = self._transport.send("GET", f"{_COMPACTION}/{_quoted(datasource)}")
        return None if _is_unknown(answer) else dict(self._expect(answer))

    def set_compaction(self, settings: Mapping[str, Any]) -> None:
        """Replace the compaction settings of the datasource that `settings` name."""
        self._expect(self._transport.send("POST", _COMPACTION, settings))

    def delete_compaction(self, datasource: str) -> None:
        """Disable the compaction of the datasource."""
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
            hint = "set the URL of the connection to a router with druid.router.managementProxy.enabled=true"
        return ServiceRejectedError(
            f"Druid at {self.base_url} answered {answer.status}: {answer.message}", hint=hint, status=answer.status
        )

    def _parsed(self, parse: Callable[[Any], _Parsed], data: Any) -> _Parsed:
        try:
            return parse(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServiceRejectedError(
                f"Druid at {self.base_url} gave an answer in an unknown format: {error!r}.",
                hint="check that the URL of the connection is Druid's, and that its version is 25 or later",
            ) from error


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _is_unknown(answer: Answer) -> bool:
    # an HTML page is not Druid's own 404 but that of a router that does not forward tasks
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
            return {"type": "TIMESTAMP", "value": format_druid_time(value)}
        case _:
            return {"type": "VARCHAR", "value": value}
