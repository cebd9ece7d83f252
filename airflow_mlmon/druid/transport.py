"""HTTP requests to Druid: bounded in time and attempts, credentials to known hosts only.

Every request sent here may be sent twice: reading, SQL queries, submitting a task with a fixed id, cancelling a
task, marking segments unused.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from opentelemetry.trace import Span, SpanKind
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ReadTimeoutError

from airflow_mlmon.druid.auth import Auth
from airflow_mlmon.druid.redaction import redact
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.tracing import spanning

log = logging.getLogger(__name__)

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}
_SUCCESSES, _REDIRECTIONS, _SERVER_ERRORS = 2, 3, 5
_REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_MOST_HOPS = 3
_LONGEST_MESSAGE = 600
_CHUNK = 1 << 16
_SILENT = "no reason given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Complete answer; `data` is its JSON, None if it has none.

    `message` is Druid's error message, without secrets; empty for a success.
    """

    status: int
    data: Any
    is_html: bool
    message: str

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return self.status // 100 == _SUCCESSES


class _Authorization(AuthBase):
    """Authorization header, set even when empty, so that requests does not read .netrc."""

    def __init__(self, auth: Auth | None) -> None:
        self._auth = auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._auth is not None:
            request.headers["Authorization"] = self._auth.header
        return request


class Transport:
    """Connection to one Druid cluster; the arguments are those of `DruidClient`."""

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None,
        timeout_s: float,
        connect_timeout_s: float,
        verify: bool | str,
        client_certificate: tuple[str, str] | None,
        redirect_hosts: Collection[str],
        retry: Retry,
        session: requests.Session,
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._base = _checked_base(self.base_url)
        self._hosts = {_host(self._base), *(host.lower() for host in redirect_hosts)}
        self._auth = auth
        self.timeout_s = timeout_s
        self._timeouts = (min(connect_timeout_s, timeout_s), timeout_s)
        self._client_certificate = client_certificate
        self._verify = verify
        self._retry = retry
        self._session = session
        self._sleep = sleep
        self._random = random

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request and return the answer; 4xx other than 401, 403 and 429 are answers too.

        Raises:
            ServiceUnavailableError: no attempt got a complete answer.
            ServiceRejectedError: Druid, or a proxy in front of it, refuses the credentials.
        """
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        # ids of tasks stand in paths, not in the name
        known = {"server.address": _host(self._base), "http.request.method": method, "url.path": path.partition("?")[0]}
        with spanning(f"druid {method}", known, kind=SpanKind.CLIENT) as span:
            for resent, pause_s in enumerate(self._retry.pauses(self._random), 1):
                try:
                    return self._answer(span, method, path, data)
                except ServiceUnavailableError as error:
                    log.info("Retrying the request to Druid in %.1f s: %s", pause_s, error.message)
                span.set_attribute("http.request.resend_count", resent)
                self._sleep(pause_s)
            return self._answer(span, method, path, data)

    def redact(self, text: str) -> str:
        """Remove secrets from a text and shorten it to the length of a message."""
        clean = redact(text, [self._auth.secret] if self._auth else [])
        return clean if len(clean) <= _LONGEST_MESSAGE else clean[:_LONGEST_MESSAGE] + "…"

    def _answer(self, span: Span, method: str, path: str, data: bytes | None) -> Answer:
        answer = self._follow(method, self.base_url + path, data)
        span.set_attribute("http.response.status_code", answer.status)
        return answer

    def _follow(self, method: str, url: str, data: bytes | None) -> Answer:
        for _ in range(_MOST_HOPS):
            response, content = self._exchange(method, url, data)
            if response.status_code not in _REDIRECTS:
                return self._evaluate(response, content)
            url = urljoin(url, response.headers.get("Location", ""))
            self._check_redirect(urlsplit(url))
        raise ServiceUnavailableError(f"Druid at {self.base_url} redirects in a circle.")

    def _exchange(self, method: str, url: str, data: bytes | None) -> tuple[requests.Response, bytes]:
        deadline = time.monotonic() + self.timeout_s
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers={"Content-Type": "application/json"} if data is not None else {},
                auth=_Authorization(self._auth),
                timeout=self._timeouts,
                verify=self._verify,
                cert=self._client_certificate,
                allow_redirects=False,
                stream=True,
            ) as response:
                return response, self._read(response, deadline)
        except requests.exceptions.SSLError as error:
            # a cut connection may be a restarting service; a wrong certificate stays wrong
            kind = ServiceUnavailableError if "EOF occurred" in str(error) else ServiceRejectedError
            raise kind(
                f"TLS certificate of {_origin(url)} is not trusted: {self.redact(str(error))}",
                hint="check CA certificates, client certificate and client key of the connection",
            ) from error
        except (requests.Timeout, ReadTimeoutError) as error:
            raise ServiceUnavailableError(
                f"Druid at {_origin(url)} did not answer within {self.timeout_s:g} s."
            ) from error
        except (requests.RequestException, HTTPError) as error:
            raise ServiceUnavailableError(
                f"Druid at {_origin(url)} cannot be reached: {self.redact(str(error))}",
                hint="check the URL of the connection, and that Druid is running",
            ) from error

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        content = bytearray()
        # read1 returns available bytes: iter_content would wait, without a limit, for a chunk to be full
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if time.monotonic() > deadline:
                raise requests.Timeout("the answer is too slow")
        return bytes(content)

    def _evaluate(self, response: requests.Response, content: bytes) -> Answer:
        status = response.status_code
        data, is_json = _parse(content)
        is_html = "html" in response.headers.get("Content-Type", "").lower()
        message = ""
        # searching the rows of an answer for secrets takes far longer than reading them
        if status // 100 != _SUCCESSES:
            message = self.redact("an HTML page" if is_html else _message(data, content))
        said = f"Druid at {self.base_url} answered {status} {response.reason or ''}: {message}"
        if status in _REFUSALS:
            raise ServiceRejectedError(
                said, hint="check the login of the connection and its permissions", status=status
            )
        if status // 100 == _SERVER_ERRORS or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ServiceUnavailableError(said, status=status)
        if status // 100 == _REDIRECTIONS:
            raise ServiceRejectedError(said, hint="check the URL of the connection", status=status)
        answer = Answer(status=status, data=data, is_html=is_html, message=message)
        if answer.is_success and (is_html or not is_json):
            raise ServiceUnavailableError(
                f"Druid at {self.base_url} answered with {'an HTML page' if is_html else 'truncated JSON'}.",
                hint="check that the URL of the connection is Druid's router",
                status=status,
            )
        return answer

    def _check_redirect(self, target: SplitResult) -> None:
        is_weaker = self._base.scheme == "https" and target.scheme != "https"
        if target.scheme not in _PORTS or is_weaker or _host(target) not in self._hosts:
            # retried like a missing answer: a router that has just lost its overlord redirects too
            raise ServiceUnavailableError(
                f"Druid at {self.base_url} redirects to {_host(target)}, which is not an allowed redirect host.",
                hint="if it belongs to Druid, add it as host:port to the redirect hosts of the connection",
            )


def _checked_base(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in _PORTS and bool(parts.hostname) and _host(parts) != ""
    except ValueError:
        is_url = False
    if not is_url or parts.query or parts.fragment:
        raise ConfigError(f"{redact(url)!r} is not a URL of Druid.", hint="write it like http://router:8888")
    if parts.username is not None:
        raise ConfigError(
            "The URL of Druid contains credentials.", hint="put them into login and password of the connection"
        )
    return parts


def _host(parts: SplitResult) -> str:
    return f"{parts.hostname or ''}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{_host(parts)}"


def _parse(content: bytes) -> tuple[Any, bool]:
    if not content:
        return None, True
    try:
        return json.loads(content), True
    except ValueError:
        return None, False


def _message(data: Any, content: bytes) -> str:
    if isinstance(data, Mapping):
        # the answer to SQL has the error under another key
        inner = data.get("error")
        return _message(inner, b"") if isinstance(inner, Mapping) else str(data.get("errorMessage") or inner or _SILENT)
    return content.decode(errors="replace").strip() or _SILENT
