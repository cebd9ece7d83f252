"""Forms of the connections to receivers of messages and gauges, as in Airflow's provider metadata."""

from __future__ import annotations

from typing import Any

WEBHOOK_TYPE, ALERTMANAGER_TYPE, PUSHGATEWAY_TYPE = "mlmon_webhook", "mlmon_alertmanager", "mlmon_pushgateway"

_PRIVATE: dict[str, Any] = {
    "label": "Private network",
    "description": "Whether the receiver may have an address of a private network, and be reached by http.",
    "schema": {"type": ["boolean", "null"]},
}
_SECRET: dict[str, Any] = {
    "label": "Signing secret",
    "description": "With it the header X-Mlmon-Signature of each message holds an HMAC-SHA256 of time and body.",
    "schema": {"type": ["string", "null"], "format": "password"},
}


def _form(kind: str, hook: str, name: str, url: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "connection-type": kind,
        "hook-class-name": f"airflow_mlmon.hooks.receivers.{hook}",
        "hook-name": f"{name} (model monitoring)",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {"host": "URL", "login": "User", "password": "Password or token"},
            "placeholders": {
                "host": url,
                "login": "none, if the password is a bearer token",
                "extra": '{"headers": {"X-Team": "risk"}}',
            },
        },
        "conn-fields": fields,
    }


RECEIVER_CONNECTIONS = [
    _form(
        WEBHOOK_TYPE,
        "WebhookHook",
        "Webhook",
        "https://hooks.example.com/mlmon",
        {"signing_secret": _SECRET, "allow_private": _PRIVATE},
    ),
    _form(
        ALERTMANAGER_TYPE,
        "AlertmanagerHook",
        "Prometheus Alertmanager",
        "https://alertmanager:9093",
        {"allow_private": _PRIVATE},
    ),
    _form(
        PUSHGATEWAY_TYPE,
        "PushgatewayHook",
        "Prometheus Pushgateway",
        "https://pushgateway:9091",
        {"allow_private": _PRIVATE},
    ),
]
