"""HTTP servers on loopback that answer what a test tells them to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer; `missing` bytes are announced but never sent, `drip_s` is the pause after each byte."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    drip_s: float = 0
    missing: int = 0


@dataclass
class Received:
    """One request as it came in."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Server:
    """A running server: where it listens, and what it was asked."""

    host: str
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"


@contextmanager
def serving(answer: Callable[[Received], Reply], *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server on a free port of loopback that answers each request by `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Received(self.command, self.path, body, dict(self.headers))
            server.requests.append(request)
            try:
                self._send(answer(request))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815 - http.server names them

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.delay_s)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body) + reply.missing))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.drip_s:
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(reply.drip_s)
            else:
                self.wfile.write(reply.body)
            self.close_connection = bool(reply.missing)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = Server(f"127.0.0.1:{http.server_address[1]}", "https" if tls else "http")
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
            # a visitor without a certificate is turned away without a word
            http.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def scripted(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that gives the replies in turn, and the last one ever after."""
    left = list(replies)
    with serving(lambda _: left.pop(0) if len(left) > 1 else left[0], tls=tls) as server:
        yield server


def as_json(value: Any, status: int = 200) -> Reply:
    """A reply with a JSON body."""
    return Reply(status=status, body=json.dumps(value).encode())
