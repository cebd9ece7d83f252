"""Reaches Druid by an Airflow connection of type `mlmon_druid`."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook, Connection

from airflow_mlmon.druid.auth import Auth, BasicAuth, BearerAuth
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.errors import ConfigError, MlmonError
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.hooks.druid_connection import CONNECTION_TYPE, DEFAULT_CONNECTION, DRUID_CONNECTION

_ROUTER_PORT = 8888
_TIMEOUT_S = 30.0


class MlmonDruidHook(BaseHook):
    """Makes the Druid client that a connection describes."""

    conn_name_attr = "conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = DRUID_CONNECTION["hook-name"]

    def __init__(self, conn_id: str = DEFAULT_CONNECTION, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id

    def get_client(self) -> DruidClient:
        """A client of the connection's Druid.

        Raises:
            ConfigError: there is no such connection, or it is wrong.
        """
        found = connection(self.conn_id)
        extra = found.extra_dejson
        return DruidClient(
            _url(found),
            auth=_auth(found, extra),
            timeout_s=_timeout_s(extra),
            verify=extra.get("ca_file") or True,
            redirect_hosts=_hosts(extra.get("redirect_hosts")),
        )

    def test_connection(self) -> tuple[bool, str]:
        """Whether Druid answers, and its version and extensions."""
        try:
            client = self.get_client()
            status = client.status()
        except MlmonError as error:
            return False, str(error)
        extensions = ", ".join(status.extensions) or "none"
        return True, f"Druid {status.version} answers at {client.base_url}; modules: {extensions}."


def _url(found: Connection) -> str:
    host = found.host or ""
    if not host:
        raise ConfigError(f"The connection {found.conn_id!r} names no Druid.", hint="put the router's URL into it")
    if "://" in host:
        return host
    return f"{found.schema or 'http'}://{host}:{found.port or _ROUTER_PORT}"


def _auth(found: Connection, extra: dict[str, Any]) -> Auth | None:
    if token := extra.get("token"):
        return BearerAuth(token=token)
    if found.login:
        return BasicAuth(user=found.login, password=found.password or "")
    return None


def _timeout_s(extra: dict[str, Any]) -> float:
    given = extra.get("timeout_s") or _TIMEOUT_S
    try:
        return float(given)
    except (TypeError, ValueError):
        raise ConfigError(f"The time-out {given!r} of the connection is not a number of seconds.") from None


def _hosts(given: str | None) -> list[str]:
    return [host.strip() for host in (given or "").split(",") if host.strip()]
