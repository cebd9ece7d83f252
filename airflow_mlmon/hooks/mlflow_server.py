"""MLflow servers from Airflow connections."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.mlflow.client import MlflowServer
from airflow_mlmon.mlflow.process import MlflowServerAccess

# of Airflow and of the monitoring, which the process of a request needs not know
_WITHHELD = ("AIRFLOW", "MLMON", "MLFLOW_TRACKING", "MLFLOW_REGISTRY", "_MLFLOW")
_PLAIN = ("http", "https")
# a server that is away is not waited for during minutes
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def connect_mlflow(conn_id: str) -> MlflowServer:
    """Return the server of an Airflow connection of type `mlmon_mlflow` or `http`, without contacting it.

    A password without a login is a token.

    Raises:
        ConfigError: the connection does not exist or has no host.
    """
    return MlflowServer(_access(conn_id, connection(conn_id)))


def _access(conn_id: str, found: Any) -> MlflowServerAccess:
    host = found.host or ""
    if not host:
        raise ConfigError(f"Connection {conn_id!r} has no host.", hint="set it to the URL of the MLflow server")
    scheme = found.schema or (found.conn_type if found.conn_type in _PLAIN else "https")
    url = host if "://" in host else f"{scheme}://{host}" + (f":{found.port}" if found.port else "")
    parts = urlsplit(url)
    if parts.scheme not in _PLAIN:
        raise ConfigError(f"Connection {conn_id!r} is no address of a server ({parts.scheme}://).", hint="use https://")
    # secrets belong into login and password, and an address is shown
    shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    login, password = found.login or parts.username or "", found.password or parts.password or ""
    variables = {"MLFLOW_TRACKING_URI": shown, "MLFLOW_REGISTRY_URI": shown}
    if login:
        variables |= {"MLFLOW_TRACKING_USERNAME": login, "MLFLOW_TRACKING_PASSWORD": password}
    elif password:
        variables["MLFLOW_TRACKING_TOKEN"] = password
    if ca_file := found.extra_dejson.get("ca_file"):
        variables["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(ca_file)
    passed = {name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)}
    return MlflowServerAccess(
        connection=conn_id,
        address=shown,
        environment=passed | _PATIENCE | _QUIET | variables,
        secrets=(password,) if password else (),
    )
