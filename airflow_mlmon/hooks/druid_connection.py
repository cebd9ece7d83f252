"""Form of the connection type `mlmon_druid`, as in Airflow's provider metadata."""

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
            "description": "Path of the PEM file with the certificate authorities that Druid's certificate is "
            "verified against.",
            "schema": {"type": ["string", "null"]},
        },
        "client_cert_file": {
            "label": "Client certificate",
            "description": "Path of the PEM file of the client certificate for mutual TLS.",
            "schema": {"type": ["string", "null"]},
        },
        "client_key_file": {
            "label": "Client key",
            "description": "Path of the PEM file with the key of the client certificate, without a passphrase.",
            "schema": {"type": ["string", "null"]},
        },
        "connect_timeout_s": {
            "label": "Connect time-out (s)",
            "description": "10 by default.",
            "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 600},
        },
        "timeout_s": {
            "label": "Request time-out (s)",
            "description": "30 by default.",
            "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 600},
        },
        "redirect_hosts": {
            "label": "Redirect hosts",
            "description": "Comma-separated host:port of the services that Druid may redirect to.",
            "schema": {"type": ["string", "null"]},
        },
    },
}
