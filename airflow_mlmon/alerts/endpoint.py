"""HTTP requests to receivers of alerts; the only module of this package that imports requests.

A URL may come from people who must not reach the internal network: redirects are not followed, and an address that
is not public is refused, by name and again on the connection, so that a name that resolves differently in between is
refused too. The URL often is the secret: messages and logs show only its host.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
# a reply that arrives byte by byte never runs into the time-outs
REPLY_TIMEOUT_S = 30
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
# what it has not learnt it will not know on a retry
_REFUSAL = frozenset({*range(300, 500), 501})
_PASSING = frozenset({408, 425, 429})


class Endpoint:
    """Receiver of HTTP requests.

    Args:
        url: its address; https, or also http if private addresses are allowed.
        headers: headers of each request, such as an authorisation.
        kind: name of the receiver in errors.
        allow_private: allow addresses of private networks and of this machine.
        verify: verify the TLS certificate; or the file of trusted certificate authorities.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        kind: str = "webhook",
        allow_private: bool = False,
        verify: bool | str = True,
    ) -> None:
        schemes = {"https", "http"} if allow_private else {"https"}
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            raise ConfigError(f"The URL of the {kind} is invalid.", hint="correct it in its connection") from None
        if not host:
            raise ConfigError(f"The URL of the {kind} has no host.", hint="correct it in its connection")
        if parts.scheme not in schemes:
            raise ConfigError(
                f"The URL of the {kind} must start with {' or '.join(sorted(schemes))}, not {parts.scheme!r}.",
                hint="correct the URL in its connection, or set `allow_private` in its extra to allow http",
            )
        self._url = url
        self._name = f"{kind} at {host}"
        self._headers = dict(headers or {})
        self._allow_private = allow_private
        self._verify = verify

    def send(self, body: bytes, headers: Mapping[str, str], *, method: str = "POST", path: str = "") -> None:
        """Send a body; any reply other than 2xx is an error.

        Args:
            body: the bytes to send.
            headers: of this request.
            method: POST, PUT or GET.
            path: of the URL, below that of the receiver.

        Raises:
            ServiceUnavailableError: no reply, or a temporary failure.
            ServiceRejectedError: the receiver rejects the request or redirects it, or its address is not public.
        """
        with requests.Session() as session:
            # no proxy, because it would hide the address, and no credentials from .netrc
            session.trust_env = False
            if not self._allow_private:
                session.mount("https://", _PublicAdapter())
            url = self._url.rstrip("/") + path if path else self._url
            status = self._in_time(partial(self._status, session, method, url, body, {**self._headers, **headers}))
        if status in _SUCCESS:
            return
        kind = ServiceRejectedError if status in _REFUSAL and status not in _PASSING else ServiceUnavailableError
        what = "redirects are not followed" if status in _REDIRECT else "expected 2xx"
        raise kind(f"The {self._name} replied with status {status}: {what}.", status=status)

    def _in_time(self, ask: Callable[[], int]) -> int:
        """Return the status of the reply, or raise an error after the time-out and abandon the request."""
        reply: Future[int] = Future()

        def answer() -> None:
            try:
                reply.set_result(ask())
            except Exception as error:  # noqa: BLE001 - raised by the caller
                reply.set_exception(error)

        Thread(target=answer, daemon=True).start()
        try:
            return reply.result(REPLY_TIMEOUT_S)
        except TimeoutError:
            raise ServiceUnavailableError(
                f"The {self._name} did not reply within {REPLY_TIMEOUT_S:g} seconds."
            ) from None

    def _status(self, session: requests.Session, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            with session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                verify=self._verify,
                stream=True,  # the body of the reply is not read, however long it is
            ) as reply:
                return reply.status_code
        except _PrivateAddressError:
            raise ServiceRejectedError(
                f"The {self._name} has no public address.", hint="set `allow_private` in the extra of its connection"
            ) from None
        except (requests.ConnectionError, requests.Timeout) as error:
            # the text of requests' exception contains the path of the URL
            raise ServiceUnavailableError(f"The {self._name} cannot be reached: {type(error).__name__}.") from None
        except (requests.RequestException, ValueError) as error:
            raise ServiceRejectedError(f"The request to the {self._name} failed: {type(error).__name__}.") from None


class _PrivateAddressError(Exception):
    """Error of an address that is not public; no OSError, so that urllib3 passes it on."""


def _refuse_private(address: str) -> None:
    if not ipaddress.ip_address(address.partition("%")[0]).is_global:
        raise _PrivateAddressError


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError:
            found = []  # urllib3 raises the clearer error
        for *_, address in found:
            _refuse_private(str(address[0]))
        opened = super()._new_conn()
        try:
            _refuse_private(opened.getpeername()[0])
        except _PrivateAddressError:
            opened.close()
            raise
        return opened


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _PublicPool}
