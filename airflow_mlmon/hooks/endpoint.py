"""Endpoints from Airflow connections."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import connection


def create_endpoint(conn_id: str, kind: str) -> Endpoint:
    """Create the endpoint of an `http` connection: its host is the URL, or host, port and schema form it.

    Its extra may hold `headers`, added to each request, and `allow_private`, true if the receiver is in a private
    network. A password without a login is sent as a bearer token, with a login by HTTP basic authentication.

    Args:
        conn_id: id of the connection.
        kind: name of the receiver in errors.

    Raises:
        ConfigError: the connection does not exist, or has no permitted URL.
    """
    found = connection(conn_id)
    extra = _extra(found)
    headers = extra.get("headers") or {}
    if not isinstance(headers, dict):
        raise ConfigError(f"`headers` in the extra of connection {conn_id!r} is not a mapping.")
    headers = dict(headers)
    if found.password:
        headers["Authorization"] = _authorisation(found)
    host = found.host or ""
    url = host if "://" in host else f"{found.schema or 'https'}://{host}" + (f":{found.port}" if found.port else "")
    return Endpoint(url, headers, kind=kind, allow_private=bool(extra.get("allow_private")))


def read_signing_secret(conn_id: str) -> str:
    """Return the secret with which messages to the receiver are signed; empty if there is none."""
    return str(_extra(connection(conn_id)).get("signing_secret") or "")


def _extra(found: Any) -> dict[str, Any]:
    extra = found.extra_dejson
    if not isinstance(extra, dict):
        raise ConfigError(f"The extra of connection {found.conn_id!r} is not a JSON object.")
    return extra


def _authorisation(found: Any) -> str:
    if found.login:
        return f"Basic {b64encode(f'{found.login}:{found.password}'.encode()).decode()}"
    return f"Bearer {found.password}"
