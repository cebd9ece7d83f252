"""Connections of type `druid`, as Airflow's Druid provider reads them: the overlord's and the broker's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow.sdk import Connection

from airflow_mlmon.druid.auth import BasicAuth
from airflow_mlmon.errors import ConfigError

PROVIDER_TYPE = "druid"
_TASKS = "/druid/indexer/v1/task"
_QUERIES = "/druid/v2/sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Address of a service of Druid, with what is sent to it.

    Attributes:
        verify: Whether its certificate is verified, or the path of the CA certificates to verify it against.
    """

    url: str
    auth: BasicAuth | None
    verify: bool | str


def overlord_of(found: Connection) -> Service:
    """Return the service that takes tasks, by the provider's hook for ingestion.

    Raises:
        ConfigError: the connection has no host, or its endpoint is not that of Druid's tasks.
    """
    from airflow.providers.apache.druid.hooks.druid import DruidHook  # noqa: PLC0415 - imports its client

    _check_host(found)
    # the hook reads the certificates only where it does not verify by its own
    hook: Any = DruidHook(found.conn_id, verify_ssl=not found.extra_dejson.get("ca_bundle_path"))
    hook.conn = found
    scheme, rest = hook.get_conn_url().split("://", 1)
    if scheme == PROVIDER_TYPE:
        scheme = found.extra_dejson.get("schema") or "http"
    auth = hook.get_auth()
    return Service(
        url=_base(found, f"{scheme}://{rest}", _TASKS),
        auth=BasicAuth(user=str(auth.username), password=str(auth.password)) if auth else None,
        verify=hook.get_verify(),
    )


def broker_of(conn_id: str) -> Service:
    """Return the service that answers queries, by the provider's hook for SQL.

    Raises:
        ConfigError: the connection has no host, or its endpoint is not that of Druid's SQL.
    """
    from airflow.providers.apache.druid.hooks.druid import DruidDbApiHook  # noqa: PLC0415 - imports its client

    from airflow_mlmon.hooks.connection import connection  # noqa: PLC0415 - as above

    found = connection(conn_id)
    _check_host(found)
    made: Any = DruidDbApiHook(druid_broker_conn_id=conn_id).get_conn()
    return Service(
        url=_base(found, made.url, _QUERIES),
        auth=BasicAuth(user=made.user, password=made.password or "") if made.user else None,
        verify=made.ssl_verify_cert,
    )


def _check_host(found: Connection) -> None:
    if not found.host:
        raise ConfigError(
            f"Connection {found.conn_id!r} has no host.", hint="set its host to that of the Druid service"
        )


def _base(found: Connection, url: str, endpoint: str) -> str:
    """Return the URL without the endpoint that the provider adds; a path before it is that of a proxy."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if path and not path.endswith(endpoint):
        raise ConfigError(
            f"Connection {found.conn_id!r} has the endpoint {path!r}, which is not Druid's.",
            hint=f"write {endpoint.removeprefix('/')!r}, after the path of a proxy",
        )
    return urlunsplit((parts.scheme, parts.netloc.removesuffix(":None"), path.removesuffix(endpoint), "", ""))
