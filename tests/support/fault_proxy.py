"""A proxy in front of a real object store, which lets each request fail as networks and services do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


class Asked(NamedTuple):
    """A request as it reaches the proxy; `number` counts those of the proxy from 1."""

    number: int
    method: str
    path: str

    @property
    def is_listing(self) -> bool:
        return self.method == "GET" and "prefix=" in self.path

    @property
    def is_reading(self) -> bool:
        return self.method == "GET" and not self.is_listing


class Answer(NamedTuple):
    """What is sent back; of `body` only `sent` bytes arrive before the connection breaks."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    sent: int | None = None


Fault = Callable[[Callable[[], Answer]], Answer | None]


def refuse(status: int, code: str) -> Fault:
    """Answer with an error of S3."""
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    return lambda _: Answer(status, [("Content-Type", "application/xml")], body)


def drop(_: Callable[[], Answer]) -> None:
    """Close the connection without an answer."""


def cut(forward: Callable[[], Answer]) -> Answer:
    """Break the connection in the middle of the body."""
    answer = forward()
    return answer._replace(sent=len(answer.body) // 2)


class FaultProxy:
    """Proxy on loopback; `choose` says which fault a request meets, None for none.

    A request is forwarded as it is, so that its signature stays valid.
    """

    def __init__(self, port: int, choose: Callable[[Asked], Fault | None] = lambda _: None) -> None:
        self.upstream = port
        self.choose = choose
        self.rewrite: Callable[[str], str] = lambda path: path
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def hang(self, _: Callable[[], Answer]) -> None:
        """Never answer; the connection stays open until the proxy closes."""
        self.closing.wait(30)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def relay(self, handler: _Handler) -> None:
        """Forward one request, or let it fail."""
        body = _read_body(handler)
        with self._lock:
            asked = Asked(len(self.asked) + 1, handler.command, handler.path)
            self.asked.append(asked)
        fault = self.choose(asked)
        answer = fault(lambda: self._forward(handler, body)) if fault else self._forward(handler, body)
        if answer is None:
            handler.close_connection = True
            return
        handler.send_response_only(answer.status)
        for name, value in answer.headers:
            handler.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in answer.headers):
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body[: answer.sent])
        handler.close_connection = handler.close_connection or answer.sent is not None

    def _forward(self, handler: _Handler, body: bytes) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        connection.putrequest(handler.command, self.rewrite(handler.path), skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in HOP:
                connection.putheader(name, value)
        if "Transfer-Encoding" in handler.headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, [pair for pair in answer.getheaders() if pair[0].lower() not in HOP], content)


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    body = b""
    while size := int(handler.rfile.readline().partition(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def do_GET(self) -> None:
        self.proxy.relay(self)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        pass
