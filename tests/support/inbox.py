"""Receivers of alerts: a real mail server and a real web server, each on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.processes import free_port


@dataclass(slots=True, kw_only=True)
class MailBox:
    """What the mail server took, and what it refuses."""

    port: int
    refuse: str = ""
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or answer with the refusal."""
        if self.refuse:
            return self.refuse
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[MailBox]:
    """Run a mail server."""
    box = MailBox(port=free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass(slots=True, kw_only=True)
class WebInbox:
    """What was posted, and how the server answers."""

    url: str = ""
    status: int = 204
    refused: bytes | None = None
    location: str = ""
    delay: threading.Event | None = None
    posts: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def web_server() -> Iterator[WebInbox]:
    """Run a web server that takes JSON, and other bodies unread."""
    inbox = WebInbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.paths.append(self.path)
            if self.headers["Content-Type"] == "application/json":
                inbox.posts.append(json.loads(body))
            inbox.bodies.append(body)
            inbox.headers.append(dict(self.headers))
            if inbox.delay is not None:
                inbox.delay.wait(10)
            is_refused = inbox.refused is not None and inbox.refused in body
            self.send_response(400 if is_refused else inbox.status)
            if inbox.location:
                self.send_header("Location", inbox.location)
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
