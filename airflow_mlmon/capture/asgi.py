"""ASGI middleware that captures requests and responses with JSON bodies, for FastAPI, Starlette and the like."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from airflow_mlmon.capture.capture import Capture

_Message = MutableMapping[str, Any]
_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]
_Read = Callable[[Any], Any]

_FAILED = 500
_FIRST_ERROR = 400
# keys under which services put the rows of a request, and the answers of a response
_ROWS = ("instances", "rows", "features")
_ANSWERS = ("predictions", "prediction", "outputs")


class CaptureMiddleware:
    """Middleware that logs what a path is asked and answers; neither is changed, held back or made to fail.

    The response gets a header with the id of the prediction, unless the service has set one, which is the id then. The
    rows of a request with several have this id with their number behind it: `…-0`, `…-1`. A row that has a value in
    the id's column has that id instead. Requests that are no rows are counted: a body that is too long, compressed or
    no JSON, a client that went away. An error status is logged where the spec has a column for it. What waits is
    written when the application ends.

    Args:
        app: the application.
        capture: where rows are logged.
        path: path of the requests, without a root path; several in a collection.
        features: makes the features of the parsed request: a mapping, or a list of mappings. By default they are the
            request itself, or what is under its key `instances`, `rows` or `features`.
        predictions: makes the prediction of the parsed response, or a list of them. By default they are what is under
            its key `predictions`, `prediction` or `outputs`, or else those of its keys that are columns of the spec.
        version: version of the model, or a function that returns it.
        header: name of the header with the id.
        most_bytes: longest body of a request, and of a response, that is captured.
    """

    def __init__(
        self,
        app: _App,
        capture: Capture,
        *,
        path: str | Collection[str] = "/predict",
        features: _Read | None = None,
        predictions: _Read | None = None,
        version: Any = None,
        header: str = "x-prediction-id",
        most_bytes: int = 1 << 20,
    ) -> None:
        self._app = app
        self._capture = capture
        self._paths = frozenset({path} if isinstance(path, str) else path)
        self._features = features or _find_rows
        self._predictions = predictions or self._find_answers
        self._version = version
        self._header = header.lower().encode("latin-1")
        self._most_bytes = most_bytes

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Run the application, and log what went by."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._flushing(send))
            return
        if not self._is_captured(scope):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self._header, self._most_bytes, receive, send)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            exchange.status = _FAILED
            self._log(scope, exchange)
            raise
        except BaseException:
            # the server cancels what its client no longer waits for
            self._capture.skip("cancelled")
            raise
        self._log(scope, exchange)

    def _flushing(self, send: _Send) -> _Send:
        """Return what sends the end of the service on, when its rows are written: its process may be killed next."""

        async def send_on(message: _Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                self._capture.flush()
            await send(message)

        return send_on

    def _is_captured(self, scope: _Scope) -> bool:
        try:
            if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
                return False
            root = scope.get("root_path") or ""
            path = scope["path"]
            below = path[len(root) :] if root and path.startswith(root) else path
            return (below.rstrip("/") or "/") in self._paths or below in self._paths
        except Exception:  # noqa: BLE001 - a request is never the worse for being captured
            return False

    def _log(self, scope: _Scope, exchange: _Exchange) -> None:
        try:
            self._log_rows(scope, exchange)
        except Exception:  # noqa: BLE001 - as above
            self._capture.skip("unreadable_request")

    def _log_rows(self, scope: _Scope, exchange: _Exchange) -> None:
        latency_ms = (time.perf_counter() - exchange.start) * 1_000
        headers = dict(scope.get("headers") or ())
        status = exchange.status
        is_error = status is None or status >= _FIRST_ERROR
        if reason := exchange.explain(headers, is_error=is_error):
            self._capture.skip(reason)
            return
        if is_error and self._capture.schema.status is None:
            self._capture.skip(f"status_{str(status)[0]}xx")
            return
        rows = self._features(json.loads(b"".join(exchange.request)))
        answers = None if is_error else self._predictions(json.loads(b"".join(exchange.response)))
        trace = headers.get(b"traceparent")
        beside: dict[str, Any] = {
            "latency_ms": latency_ms,
            "status": status,
            "trace": trace.decode("latin-1") if trace is not None else None,
        }
        version = self._version() if callable(self._version) else self._version
        if isinstance(rows, Mapping):
            own = answers[0] if isinstance(answers, list) and len(answers) == 1 else answers
            self._capture.log(rows, own, id=self._id_of(rows, exchange.key), version=version, **beside)
            return
        ids = [self._id_of(row, f"{exchange.key}-{number}") for number, row in enumerate(rows)]
        self._capture.log_batch(rows, answers, ids=ids, versions=version, **beside)

    def _id_of(self, row: Mapping[str, Any], key: str) -> Any:
        own = next((row.get(name) for name in self._capture.schema.with_role("id")), None)
        return key if own is None else own

    def _find_answers(self, response: Any) -> Any:
        """Find the predictions in a response."""
        if isinstance(response, list):
            return [self._find_answers(one) for one in response]
        if not isinstance(response, Mapping):
            return response
        columns = self._capture.schema.columns
        found = {name: value for name, value in response.items() if name in columns}
        if found:
            return found
        inner = next((response[key] for key in _ANSWERS if key in response), None)
        return inner if inner is None or not isinstance(inner, list | Mapping) else self._find_answers(inner)


def _find_rows(request: Any) -> Any:
    """Find the features in a request."""
    if isinstance(request, Mapping):
        return next((request[key] for key in _ROWS if isinstance(request.get(key), list | Mapping)), request)
    return request


class _Exchange:
    """Request and response that go by, each kept up to a bound."""

    def __init__(self, header: bytes, most_bytes: int, receive: _Receive, send: _Send) -> None:
        self.key = uuid.uuid4().hex
        self.status: int | None = None
        self.request: list[bytes] = []
        self.response: list[bytes] = []
        self.start = time.perf_counter()
        self._header, self._most_bytes = header, most_bytes
        self._receive, self._send = receive, send
        self._sizes = [0, 0]
        self._content: dict[bytes, bytes] = {}
        self._is_whole = False
        self._is_disconnected = False

    async def receive(self) -> _Message:
        """Receive from the server, and keep the body."""
        message = await self._receive()
        try:
            if message["type"] == "http.request":
                self._keep(0, self.request, message)
            elif message["type"] == "http.disconnect":
                self._is_disconnected = True
        except Exception:  # noqa: BLE001 - as above
            self._sizes[0] = self._most_bytes + 1
        return message

    async def send(self, message: _Message) -> None:
        """Send to the server, with the id, and keep the body."""
        try:
            message = self._noted(message)
        except Exception:  # noqa: BLE001 - as above
            self._sizes[1] = self._most_bytes + 1
        await self._send(message)

    def _noted(self, message: _Message) -> _Message:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # an iterable that may be read once
            headers = list(message.get("headers") or ())
            self._content = {bytes(name).lower(): bytes(value) for name, value in headers}
            if own := self._content.get(self._header):
                self.key = own.decode("latin-1")
            else:
                headers.append((self._header, self.key.encode()))
            return {**message, "headers": headers}
        if message["type"] == "http.response.body":
            self._is_whole = not message.get("more_body", False)
            if _is_json(self._content):
                self._keep(1, self.response, message)
        return message

    def _keep(self, side: int, parts: list[bytes], message: _Message) -> None:
        part = message.get("body") or b""
        self._sizes[side] += len(part)
        if self._sizes[side] > self._most_bytes:
            parts.clear()
        elif part:
            parts.append(bytes(part))

    def explain(self, headers: Mapping[bytes, bytes], *, is_error: bool) -> str:
        """Explain why the exchange is no row; empty if it is."""
        is_cut = not self._is_whole and self.status != _FAILED
        found = {
            "disconnected": is_cut,
            "request_compressed": _is_compressed(headers),
            "request_too_long": self._sizes[0] > self._most_bytes,
            "request_empty": not self.request,
            "response_compressed": not is_error and _is_compressed(self._content),
            "response_no_json": not is_error and not _is_json(self._content),
            "response_too_long": not is_error and self._sizes[1] > self._most_bytes,
        }
        return next((reason for reason, is_so in found.items() if is_so), "")


def _is_compressed(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-encoding", b"identity") != b"identity"


def _is_json(headers: Mapping[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    return kind == b"application/json" or kind.endswith(b"+json")
