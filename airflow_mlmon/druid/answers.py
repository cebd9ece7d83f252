"""Druid's answers as values; the response formats of versions 25 to 33 are supported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

AnswerRows = Sequence[Mapping[str, Any]]


class TaskState(StrEnum):
    """State of a task; only these three, whatever the runner calls its stages."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """Version of a cluster and its loaded extensions."""

    version: str
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """Status of a task; `error` is the first line of Druid's own message, without secrets."""

    id: str
    state: TaskState
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Row counts of an ingestion."""

    processed: int
    processed_with_error: int
    thrown_away: int
    unparseable: int

    def is_complete(self, rows: int) -> bool:
        """Return whether each of `rows` rows was ingested, and no others were read.

        >>> RowCounts(processed=3, processed_with_error=0, thrown_away=0, unparseable=0).is_complete(3)
        True
        """
        return self == RowCounts(processed=rows, processed_with_error=0, thrown_away=0, unparseable=0)

    def __str__(self) -> str:
        """Format the four counts in Druid's words."""
        return (
            f"{self.processed} processed, {self.processed_with_error} processed with an error, "
            f"{self.thrown_away} thrown away, {self.unparseable} unparseable"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """Report of a finished ingestion; `segments` where it states how many it published."""

    rows: RowCounts
    segments: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentColumns:
    """Interval of a served segment, and its columns with their Druid types."""

    start: datetime
    end: datetime
    columns: Mapping[str, str]


def parse_cluster_status(answer: Mapping[str, Any]) -> ClusterStatus:
    """Parse the answer to `GET /status`."""
    artifacts = {module.get("artifact") or module["name"] for module in answer.get("modules", ())}
    return ClusterStatus(version=answer["version"], extensions=tuple(sorted(artifacts)))


def parse_task_slots(answer: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Sum up the slots of the workers, and those in use, in the answer to `GET …/workers`."""
    slots = sum(int(worker["worker"]["capacity"]) for worker in answer)
    return slots, sum(int(worker["currCapacityUsed"]) for worker in answer)


def parse_task_status(answer: Mapping[str, Any]) -> TaskStatus:
    """Parse the answer to `GET …/task/{id}/status`."""
    status = answer["status"]
    error, *_trace = (status.get("errorMsg") or "").splitlines() or [""]
    # runnerStatusCode still says RUNNING or WAITING for a while after the end
    return TaskStatus(id=status["id"], state=TaskState(status["statusCode"]), error=error)


def parse_task_report(answer: Mapping[str, Any]) -> TaskReport:
    """Parse the counts in the answer to `GET …/task/{id}/reports`, of a native or an SQL task."""
    if "multiStageQuery" in answer:
        return _parse_sql_report(answer["multiStageQuery"]["payload"])
    payload = answer["ingestionStatsAndErrors"]["payload"]
    stats = payload["rowStats"]
    # a task that left the rows to several workers sums up
    counts = stats.get("totals", stats)["buildSegments"]
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
    """Parse the segments in the answer to a segment metadata query."""
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
    """Compare the rows of the files with those of the segments; rows that SQL cannot read fail its task."""
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
