"""Hook to Druid through an Airflow connection of type `mlmon_druid`, or those of type `druid`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook, Connection

from airflow_mlmon.druid.auth import Auth, BasicAuth, BearerAuth
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import ConfigError, MlmonError
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.hooks.druid_connection import CONNECTION_TYPE, DEFAULT_CONNECTION, DRUID_CONNECTION
from airflow_mlmon.hooks.druid_provider import PROVIDER_TYPE, Service, broker_of, overlord_of

_ROUTER_PORT = 8888
_TIMEOUT_S = 30.0
_CONNECT_TIMEOUT_S = 10.0
_LONGEST_S = 600


class MlmonDruidHook(BaseHook):
    """Hook that creates the Druid client of a connection.

    Args:
        conn_id: connection of the router, or one of type `druid` of an overlord or router.
        broker_conn_id: connection of type `druid` of the broker; by default the queries go where the tasks go.
    """

    conn_name_attr = "conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = DRUID_CONNECTION["hook-name"]

    def __init__(self, conn_id: str = DEFAULT_CONNECTION, broker_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.broker_conn_id = broker_conn_id

    def get_client(self) -> DruidClient:
        """Create a client of the connection's Druid.

        Raises:
            ConfigError: a connection does not exist or is invalid.
        """
        return _client(connection(self.conn_id), self.broker_conn_id)

    async def get_client_async(self, retry: Retry) -> DruidClient:
        """Create the client of the tasks within an event loop; the client itself still blocks."""
        return _client(await self.aget_connection(self.conn_id), retry=retry)

    def test_connection(self) -> tuple[bool, str]:
        """Test whether Druid answers, and report its version and extensions."""
        try:
            client = self.get_client()
            status = client.status()
        except MlmonError as error:
            return False, str(error)
        extensions = ", ".join(status.extensions) or "none"
        return True, f"Druid {status.version} answers at {client.base_url}; extensions: {extensions}."


def _client(found: Connection, broker_conn_id: str | None = None, *, retry: Retry | None = None) -> DruidClient:
    queries = _client_of(broker_of(broker_conn_id), retry) if broker_conn_id else None
    if found.conn_type == PROVIDER_TYPE:
        return _client_of(overlord_of(found), retry, queries)
    extra = found.extra_dejson
    return DruidClient(
        _url(found),
        auth=_auth(found, extra),
        timeout_s=_seconds(extra, "timeout_s", _TIMEOUT_S),
        connect_timeout_s=_seconds(extra, "connect_timeout_s", _CONNECT_TIMEOUT_S),
        verify=_file(extra, "ca_file") or True,
        client_certificate=_client_certificate(extra),
        redirect_hosts=_hosts(extra.get("redirect_hosts")),
        retry=retry,
        queries=queries,
    )


def _client_of(service: Service, retry: Retry | None, queries: DruidClient | None = None) -> DruidClient:
    return DruidClient(service.url, auth=service.auth, verify=service.verify, retry=retry, queries=queries)


def _url(found: Connection) -> str:
    host = found.host or ""
    if not host:
        raise ConfigError(
            f"Connection {found.conn_id!r} has no host.", hint="set its host to the URL of the Druid router"
        )
    if "://" in host:
        return host
    return f"{found.schema or 'http'}://{host}:{found.port or _ROUTER_PORT}"


def _auth(found: Connection, extra: dict[str, Any]) -> Auth | None:
    if token := extra.get("token"):
        return BearerAuth(token=token)
    if found.login:
        return BasicAuth(user=found.login, password=found.password or "")
    return None


def _client_certificate(extra: dict[str, Any]) -> tuple[str, str] | None:
    certificate, key = _file(extra, "client_cert_file"), _file(extra, "client_key_file")
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError(
            "The connection has a client certificate without a key, or a key without a certificate.",
            hint="set both or neither",
        )
    return certificate, key


def _file(extra: dict[str, Any], name: str) -> str | None:
    given = extra.get(name)
    if not given:
        return None
    label = DRUID_CONNECTION["conn-fields"][name]["label"]
    if not Path(given).is_file():
        raise ConfigError(f"File {given!r}, set as {label} of the connection, does not exist.")
    return str(given)


def _seconds(extra: dict[str, Any], name: str, default: float) -> float:
    given = extra.get(name) or default
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigError(f"Time-out {given!r} of the connection is not a number of seconds up to {_LONGEST_S}.")
    return seconds


def _hosts(given: str | None) -> list[str]:
    return [host.strip() for host in (given or "").split(",") if host.strip()]
