"""Makes an endpoint of an Airflow connection."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import connection


def endpoint_of(conn_id: str, kind: str) -> Endpoint:
    """The receiver that an `http` connection names: its host is the URL, or host, port and schema make it.

    Its extra may hold `headers`, added to each request, and `allow_private`, true where the receiver is in
    our own network. The password alone is sent as a bearer token, with a login as HTTP's basic authentication.

    Args:
        conn_id: the connection.
        kind: what the receiver is called in errors.

    Raises:
        ConfigError: there is no such connection, or it has no URL that may be used.
    """
    found = connection(conn_id)
    extra = _extra(found)
    headers = extra.get("headers") or {}
    if not isinstance(headers, dict):
        raise ConfigError(f"The headers in the extra of the connection {conn_id!r} are no mapping.")
    headers = dict(headers)
    if found.password:
        headers["Authorization"] = _authorisation(found)
    host = found.host or ""
    url = host if "://" in host else f"{found.schema or 'https'}://{host}" + (f":{found.port}" if found.port else "")
    return Endpoint(url, headers, kind=kind, allow_private=bool(extra.get("allow_private")))


def signing_secret_of(conn_id: str) -> str:
    """The secret with which messages to the receiver are signed; empty when there is none."""
    return str(_extra(connection(conn_id)).get("signing_secret") or "")


def _extra(found: Any) -> dict[str, Any]:
    extra = found.extra_dejson
    if not isinstance(extra, dict):
        raise ConfigError(f"The extra of the connection {found.conn_id!r} is no JSON object.")
    return extra


def _authorisation(found: Any) -> str:
    if found.login:
        return f"Basic {b64encode(f'{found.login}:{found.password}'.encode()).decode()}"
    return f"Bearer {found.password}"
