"""Speaks to one Druid cluster: tasks, SQL, segments.

Every call is bounded in time and tries; what Druid says is returned and raised without secrets.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from airflow_mlmon.druid.answers import (
    ClusterStatus,
    SegmentColumns,
    TaskReport,
    TaskStatus,
    parse_cluster_status,
    parse_segment_columns,
    parse_task_report,
    parse_task_status,
)
from airflow_mlmon.druid.auth import Auth
from airflow_mlmon.druid.ingestion import druid_time
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.druid.transport import Answer, Transport
from airflow_mlmon.errors import MlmonError, NotFoundError, ServiceRejectedError
from airflow_mlmon.partition import Partition

SqlValue = str | int | float | bool | datetime | None
_Parsed = TypeVar("_Parsed")
_TASKS = "/druid/indexer/v1/task"
_UNKNOWN_NAME = re.compile(r"(?:Object|Column) '[^']*' not found")


class DruidClient:
    """The calls that are made to one cluster.

    Args:
        base_url: the router with its management proxy, such as http://router:8888.
        auth: sent to the host of `base_url` and to `redirect_hosts`, nowhere else.
        timeout_s: bound of the connection, of each silence, and of the whole answer.
        verify: whether Druid's certificate is checked, or the path of the CA certificates to check it against.
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
        verify: bool | str = True,
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
            verify=verify,
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

    def task_status(self, task_id: str) -> TaskStatus | None:
        """Where a task stands; None when Druid knows none of that id."""
        answer = self._transport.send("GET", f"{_TASKS}/{_quoted(task_id)}/status")
        if _is_unknown(answer):
            return None
        status = self._parsed(parse_task_status, self._expect(answer))
        return TaskStatus(id=status.id, state=status.state, error=self.redact(status.error))

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

    def sql(self, query: str, parameters: Sequence[SqlValue] = ()) -> list[dict[str, Any]]:
        """The rows of a query; `parameters` stand for its question marks.

        Raises:
            NotFoundError: there is no such datasource or column (yet).
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


def quote_identifier(name: str) -> str:
    """A name of a table or column as SQL writes it.

    >>> quote_identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


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
