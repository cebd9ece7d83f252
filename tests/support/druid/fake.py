"""A stand-in for Druid's overlord and broker, for what a real one does too seldom to wait for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.druid.scripted import Received, Reply, Server, as_json, serving

TASKS = "/druid/indexer/v1/task"
UNKNOWN = Reply(status=404, body=b"Cannot find any task with id", kind="text/plain")


@dataclass
class FakeDruid:
    """Tasks and rows as they are told to be; `ends` is the state that a submitted task is in."""

    ends: str = "SUCCESS"
    counts: dict[str, int] = field(default_factory=lambda: {"processed": 3})
    served: tuple[int, int] = (3, 3)
    tasks: dict[str, str] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)
    reload_serves: tuple[int, int] | None = None
    hiccups: list[Reply] = field(default_factory=list)
    why: str = "cannot read http://s3/day.json.gz?X-Amz-Signature=0123abcd: 403"
    server: Server | None = None

    def answer(self, request: Received) -> Reply:
        if self.tasks and self.hiccups:
            return self.hiccups.pop(0)
        if request.path == TASKS:
            return self._submit(json.loads(request.body))
        if request.path == "/druid/v2/sql":
            return as_json([{"n": self.served[0], "v": self.served[1]}])
        if not request.path.startswith(f"{TASKS}/"):
            return UNKNOWN
        return self._about_task(*request.path.removeprefix(f"{TASKS}/").split("/"))

    def _about_task(self, name: str, what: str) -> Reply:
        if name not in self.tasks:
            return UNKNOWN
        if what == "shutdown":
            self.tasks[name] = "FAILED"
            return as_json({"task": name})
        return self._report() if what == "reports" else self._status(name)

    def _submit(self, task: dict[str, Any]) -> Reply:
        self.submitted.append(task["id"])
        self.tasks[task["id"]] = self.ends
        self.served = self.reload_serves or self.served
        return as_json({"task": task["id"]})

    def _status(self, name: str) -> Reply:
        error = self.why if self.tasks[name] == "FAILED" else None
        return as_json({"task": name, "status": {"id": name, "statusCode": self.tasks[name], "errorMsg": error}})

    def _report(self) -> Reply:
        names = ("processed", "processedWithError", "thrownAway", "unparseable")
        counts = {name: self.counts.get(name, 0) for name in names}
        payload = {"rowStats": {"buildSegments": counts}, "segmentsPublished": 1}
        return as_json({"ingestionStatsAndErrors": {"payload": payload}})


@contextmanager
def running(druid: FakeDruid) -> Iterator[FakeDruid]:
    """The stand-in, listening on loopback."""
    with serving(druid.answer) as server:
        druid.server = server
        yield druid
