"""The form of the connection type `mlmon_druid`, as Airflow's provider metadata has it."""

from __future__ import annotations

from typing import Any

CONNECTION_TYPE = "mlmon_druid"
DEFAULT_CONNECTION = "mlmon_druid_default"

DRUID_CONNECTION: dict[str, Any] = {
    "connection-type": CONNECTION_TYPE,
    "hook-class-name": "airflow_mlmon.hooks.druid.MlmonDruidHook",
    "hook-name": "Apache Druid (model monitoring)",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port", "extra"],
        "relabeling": {"host": "URL", "login": "User", "password": "Password"},
        "placeholders": {
            "host": "https://router:9088",
            "login": "only with the basic-security extension",
            "password": "",
        },
    },
    "conn-fields": {
        "token": {
            "label": "Bearer token",
            "description": "Sent instead of user and password.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "ca_file": {
            "label": "CA certificates",
            "description": "Path of the PEM file that Druid's certificate is checked against.",
            "schema": {"type": ["string", "null"]},
        },
        "client_cert_file": {
            "label": "Client certificate",
            "description": "Path of the PEM file that is shown to a Druid that asks for one (mutual TLS).",
            "schema": {"type": ["string", "null"]},
        },
        "client_key_file": {
            "label": "Client key",
            "description": "Path of the PEM file with the client certificate's key, without a passphrase.",
            "schema": {"type": ["string", "null"]},
        },
        "connect_timeout_s": {
            "label": "Time-out of connecting (s)",
            "description": "10 by default.",
            "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 600},
        },
        "timeout_s": {
            "label": "Time-out (s)",
            "description": "Bound of one request; 30 by default.",
            "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 600},
        },
        "redirect_hosts": {
            "label": "Redirect hosts",
            "description": "host:port of the services that Druid may redirect to, separated by commas.",
            "schema": {"type": ["string", "null"]},
        },
    },
}
