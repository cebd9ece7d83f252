"""Files by which the tasks of a day's shards exchange what they found, and the plan that divides the day.

All of them lie under `shards/<day>/<plan>/` until the day is joined. A file is written whole and is the same whichever
task writes it, so a task that was killed is simply run again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.neighbours import TimesTaken
from airflow_mlmon.archive.layouts.delay import Delay
from airflow_mlmon.archive.layouts.layout import ListedFile, PassedOver
from airflow_mlmon.errors import NotFoundError, PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Arrived
from airflow_mlmon.storage import StoredObject

_PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPlan:
    """Division of the files of a day: for each shard the number of the file after its last one."""

    partition: Partition
    arrived: Arrived
    ends: tuple[int, ...]

    @property
    def shards(self) -> int:
        """Number of shards."""
        return len(self.ends)

    def files_of(self, shard: int) -> tuple[ListedFile, ...]:
        """Return the files of a shard."""
        return self.arrived.files[self._first(shard) : self.ends[shard]]

    def reach_of(self, shard: int) -> tuple[TimesTaken, ...] | None:
        """Return the reach of those files of a shard that are the day's own."""
        reach = self.arrived.reach
        return None if reach is None else reach[self._first(shard) : self.ends[shard]]

    def _first(self, shard: int) -> int:
        return self.ends[shard - 1] if shard else 0

    def to_bytes(self) -> bytes:
        """Encode the plan as JSON."""
        arrived = self.arrived
        content = {
            "partition": self.partition.key,
            "ends": self.ends,
            "files": [[*_written(file.item), dict(file.values), file.marks] for file in arrived.files],
            "reach": arrived.reach and [[moment.isoformat() for moment in one] for one in arrived.reach],
            "passed_over": arrived.passed_over,
            "notes": arrived.notes,
            "delay": asdict(arrived.delay),
            "supersedes": arrived.supersedes,
        }
        return json.dumps(content, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes, run: Run) -> Self:
        """Decode a plan."""
        content = json.loads(data)
        reach = content["reach"]
        arrived = Arrived(
            files=tuple(ListedFile(_listed(*item), values, marks) for *item, values, marks in content["files"]),
            reach=None if reach is None else tuple(map(_interval, reach)),
            passed_over=tuple(PassedOver(*one) for one in content["passed_over"]),
            notes=tuple(content["notes"]),
            delay=Delay(**content["delay"]),
            supersedes=content["supersedes"],
        )
        return cls(partition=run.partition(content["partition"]), arrived=arrived, ends=tuple(content["ends"]))


def _written(item: StoredObject) -> list[Any]:
    return [item.uri, item.size, item.etag, item.modified and item.modified.isoformat()]


def _listed(uri: str, size: int, etag: str, modified: str | None) -> StoredObject:
    return StoredObject(uri, size, etag, datetime.fromisoformat(modified) if modified else None)


def _interval(written: Sequence[str]) -> TimesTaken:
    first, last = map(datetime.fromisoformat, written)
    return first, last


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShard:
    """Summary of a shard whose files were read: their accounts, and the quarantined rows by reason."""

    files: tuple[SourceFile, ...]
    quarantined: Mapping[str, int]

    def to_bytes(self) -> bytes:
        """Encode the summary as JSON."""
        return json.dumps({"files": list(map(asdict, self.files)), "quarantined": dict(self.quarantined)}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode a summary."""
        content = json.loads(data)
        return cls(files=tuple(map(_account, content["files"])), quarantined=content["quarantined"])


def _account(entry: dict[str, Any]) -> SourceFile:
    return SourceFile(**entry | {name: tuple(entry[name]) for name in ("undeclared", "notes")})


@dataclass(frozen=True, slots=True, kw_only=True)
class CuratedShard:
    """Summary of a shard whose rows are curated.

    Attributes:
        rows: Name of the file of its rows.
        distinct: Number of its rows without the duplicates of the day.
        accepted: Number of its rows without those of earlier days too.
        errors: Number of its rows with an error status.
        quarantined: Rows that were dropped, by reason.
        versions: The version of each searched day; None if none is served.
        problem: The days that could not be searched, with the reason.
    """

    rows: str
    distinct: int
    accepted: int
    errors: int
    quarantined: Mapping[str, int]
    versions: Mapping[str, str | None] = field(default_factory=dict)
    problem: str = ""

    def to_bytes(self) -> bytes:
        """Encode the summary as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode a summary."""
        return cls(**json.loads(data))


class ShardFiles:
    """Files of the shards of a planned day.

    Args:
        run: the model.
        plan_uri: the plan.

    Raises:
        PartitionConflictError: the day was joined since.
    """

    def __init__(self, run: Run, plan_uri: str) -> None:
        self._run = run
        self._folder = plan_uri.removesuffix(_PLAN)
        self.plan = ShardPlan.from_bytes(self._read(plan_uri), run)

    def uri(self, shard: int, name: str) -> str:
        """Return the URI of a file of a shard."""
        return f"{self._folder}{shard:04}/{name}"

    def read(self, shard: int, name: str) -> bytes:
        """Read a file of a shard."""
        return self._read(self.uri(shard, name))

    def read_all(self, name: str) -> Iterator[bytes]:
        """Read the file of this name of each shard, in their order."""
        for shard in range(self.plan.shards):
            yield self.read(shard, name)

    def write(self, shard: int, name: str, data: bytes) -> None:
        """Write a file of a shard."""
        self._run.files.write(self.uri(shard, name), data)

    def upload(self, shard: int, name: str, path: Path) -> None:
        """Write a file of a shard from a local file."""
        self._run.files.upload(self.uri(shard, name), path)

    def copy_to(self, shard: int, name: str, path: Path) -> Path:
        """Copy a file of a shard to a local file, which may be changed."""
        try:
            with self._run.files.local_copy(self.uri(shard, name)) as copied:
                shutil.copyfile(copied, path)
        except NotFoundError as error:
            raise _gone() from error
        return path

    def delete(self) -> None:
        """Delete the files of all plans of the day."""
        for item in self._run.files.list(_folder_of(self._run, self.plan.partition)):
            self._run.files.delete(item.uri)

    def _read(self, uri: str) -> bytes:
        try:
            return self._run.files.read(uri)
        except NotFoundError as error:
            raise _gone() from error


def _gone() -> PartitionConflictError:
    return PartitionConflictError(
        "The files of the day's shards are gone: the day was joined since.",
        hint="clear the task plan_shards and those after it",
    )


def write_plan(run: Run, plan: ShardPlan) -> str:
    """Write a plan, and return its URI."""
    data = plan.to_bytes()
    name = hashlib.sha256(run.fingerprint.encode() + data).hexdigest()[:12]
    uri = f"{_folder_of(run, plan.partition)}{name}/{_PLAN}"
    run.files.write(uri, data)
    return uri


def _folder_of(run: Run, partition: Partition) -> str:
    return run.uri("shards", partition.key, "")
