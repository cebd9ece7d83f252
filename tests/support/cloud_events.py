"""A sink of cloud events over HTTP, as KServe's logger sends them, which keeps each as a line of structured JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import requests

_PREFIX = "ce-"


class EventSink(ThreadingHTTPServer):
    """The server, and the lines of the events that came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.lines: list[str] = []


class _Receiver(BaseHTTPRequestHandler):
    server: EventSink

    def do_POST(self) -> None:
        """Keep an event of the binary mode: attributes are headers, data is the body."""
        own = {
            name[len(_PREFIX) :].lower(): value for name, value in self.headers.items() if name.lower()[:3] == _PREFIX
        }
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"]
        self.server.lines.append(json.dumps(own | {"datacontenttype": kind, "data": json.loads(body)}))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def event_sink() -> Iterator[EventSink]:
    """A sink that takes events."""
    with EventSink() as sink:
        thread = Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()


def send_event(sink: EventSink, own_id: str, kind: str, at: str, body: bytes) -> None:
    """Send what `pkg/logger/worker.go` of KServe does for a request or a response of the service `fraud`."""
    attributes = {
        "specversion": "1.0",
        "id": own_id,
        "type": f"org.kubeflow.serving.inference.{kind}",
        "time": at,
        "source": "http://localhost:9081/",
        "recordedtime": at,
        "inferenceservicename": "fraud",
        "namespace": "payments",
        "component": "predictor",
        "endpoint": "default",
        "metadata": "null",
    }
    headers = {f"{_PREFIX}{name}": value for name, value in attributes.items()} | {"content-type": "application/json"}
    requests.post(f"http://127.0.0.1:{sink.server_port}/", data=body, headers=headers, timeout=10).raise_for_status()
