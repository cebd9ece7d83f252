"""What Druid answers, as values; shapes of 25 to 33 are understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class TaskState(StrEnum):
    """What became of a task; only these three, whatever the runner calls its stages."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """The version of a cluster and the extensions that it has loaded."""

    version: str
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """Where a task stands; `error` is the first line of Druid's own message, without secrets."""

    id: str
    state: TaskState
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """What an ingestion did with the rows of its input."""

    processed: int
    processed_with_error: int
    thrown_away: int
    unparseable: int

    def is_complete(self, rows: int) -> bool:
        """Whether each of `rows` rows was taken, and nothing else was there.

        >>> RowCounts(processed=3, processed_with_error=0, thrown_away=0, unparseable=0).is_complete(3)
        True
        """
        return self == RowCounts(processed=rows, processed_with_error=0, thrown_away=0, unparseable=0)

    def __str__(self) -> str:
        """The four counts, in Druid's words."""
        return (
            f"{self.processed} processed, {self.processed_with_error} processed with an error, "
            f"{self.thrown_away} thrown away, {self.unparseable} unparseable"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What a finished ingestion says that it did; `segments` where it says how many it published."""

    rows: RowCounts
    segments: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentColumns:
    """The interval of a segment that is served, and its columns by name with Druid's type of each."""

    start: datetime
    end: datetime
    columns: Mapping[str, str]


def parse_cluster_status(answer: Mapping[str, Any]) -> ClusterStatus:
    """The cluster behind the answer to `GET /status`."""
    artifacts = {module.get("artifact") or module["name"] for module in answer.get("modules", ())}
    return ClusterStatus(version=answer["version"], extensions=tuple(sorted(artifacts)))


def parse_task_status(answer: Mapping[str, Any]) -> TaskStatus:
    """The task behind the answer to `GET …/task/{id}/status`."""
    status = answer["status"]
    error, *_trace = (status.get("errorMsg") or "").splitlines() or [""]
    # runnerStatusCode still says RUNNING or WAITING for a while after the end
    return TaskStatus(id=status["id"], state=TaskState(status["statusCode"]), error=error)


def parse_task_report(answer: Mapping[str, Any]) -> TaskReport:
    """The counts behind the answer to `GET …/task/{id}/reports`, of a native task or of SQL."""
    if "multiStageQuery" in answer:
        return _parse_sql_report(answer["multiStageQuery"]["payload"])
    payload = answer["ingestionStatsAndErrors"]["payload"]
    counts = payload["rowStats"]["buildSegments"]
    return TaskReport(
        rows=RowCounts(
            processed=counts["processed"],
            processed_with_error=counts["processedWithError"],
            thrown_away=counts["thrownAway"],
            unparseable=counts["unparseable"],
        ),
        segments=payload.get("segmentsPublished"),
    )


def parse_segment_columns(answer: Sequence[Mapping[str, Any]]) -> list[SegmentColumns]:
    """The segments behind the answer to a query of their metadata, one by one."""
    return [
        SegmentColumns(
            start=datetime.fromisoformat(start),
            end=datetime.fromisoformat(end),
            columns={name: column["type"] for name, column in segment["columns"].items()},
        )
        for segment in answer
        for start, end in [interval.split("/") for interval in segment["intervals"]]
    ]


def _parse_sql_report(payload: Mapping[str, Any]) -> TaskReport:
    """The rows of the files against those of the segments; what SQL cannot read fails its task."""
    counters = [
        counter
        for workers in payload["counters"].values()
        for worker in workers.values()
        for counter in worker.values()
    ]
    read = sum(sum(counter["rows"]) for counter in counters if "files" in counter)
    pushed = sum(counter["rowsPushed"] for counter in counters if "rowsPushed" in counter)
    stages = [stage for stage in payload["stages"] if stage["definition"]["processor"]["type"] == "segmentGenerator"]
    return TaskReport(
        rows=RowCounts(processed=pushed, processed_with_error=0, thrown_away=read - pushed, unparseable=0),
        segments=sum(stage["partitionCount"] for stage in stages),
    )
