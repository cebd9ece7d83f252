"""A router before a real Druid that answers wrongly now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.support.druid.scripted import Received, Reply, serving


@dataclass
class FaultyRouter:
    """Passes every request on; the first answer to each kind of request is lost, and `fault` comes instead."""

    target: str
    fault: Reply | None = None
    url: str = ""
    seen: set[str] = field(default_factory=set)

    @contextmanager
    def running(self) -> Iterator[FaultyRouter]:
        """The router, listening on loopback."""
        with serving(self._answer) as server:
            self.url = server.url
            yield self

    def _answer(self, request: Received) -> Reply:
        kind = f"{request.method} {request.path.rpartition('/')[2]}"
        is_first = kind not in self.seen
        self.seen.add(kind)
        if self.fault is not None and self.fault.status // 100 in {3, 4}:
            # neither a redirect nor a refusal has done anything
            return self.fault if is_first else self._passed_on(request)
        answer = self._passed_on(request)
        return self.fault if self.fault is not None and is_first else answer

    def _passed_on(self, request: Received) -> Reply:
        kept = {"Content-Type": request.headers.get("Content-Type", "application/json")}
        answer = requests.request(
            request.method, self.target + request.path, data=request.body, headers=kept, timeout=30
        )
        return Reply(
            status=answer.status_code, body=answer.content, kind=answer.headers.get("Content-Type", "text/plain")
        )
