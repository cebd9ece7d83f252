"""Hooks to the receivers of messages and gauges, for the test of their connections in Airflow's UI."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.sdk import BaseHook

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.webhook import signed_headers
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.endpoint import create_endpoint, read_signing_secret
from airflow_mlmon.hooks.receiver_connections import ALERTMANAGER_TYPE, PUSHGATEWAY_TYPE, WEBHOOK_TYPE

_READY = "/-/ready"
_TEST = {"event": "test", "text": "Test of the connection from Airflow; no model has an alert."}


class _ReceiverHook(BaseHook):
    """Hook to one receiver.

    Args:
        conn_id: its connection.
    """

    conn_name_attr = "conn_id"
    default_conn_name: ClassVar[str]
    kind: ClassVar[str]

    def __init__(self, conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id or self.default_conn_name

    def test_connection(self) -> tuple[bool, str]:
        """Test whether the receiver replies with success, and say why not."""
        try:
            self._try(create_endpoint(self.conn_id, self.kind))
        except MlmonError as error:
            return False, str(error)
        return True, f"The {self.kind} replies."

    def _try(self, endpoint: Endpoint) -> None:
        endpoint.send(b"", {}, method="GET", path=_READY)


class WebhookHook(_ReceiverHook):
    """Hook to a webhook; its test posts a message that says it is one."""

    conn_type = WEBHOOK_TYPE
    default_conn_name = "mlmon_webhook_default"
    hook_name = "Webhook (model monitoring)"
    kind = "webhook"

    def _try(self, endpoint: Endpoint) -> None:
        body = json.dumps(_TEST).encode()
        endpoint.send(body, signed_headers(body, read_signing_secret(self.conn_id), datetime.now(UTC)))


class AlertmanagerHook(_ReceiverHook):
    """Hook to a Prometheus Alertmanager."""

    conn_type = ALERTMANAGER_TYPE
    default_conn_name = "mlmon_alertmanager_default"
    hook_name = "Prometheus Alertmanager (model monitoring)"
    kind = "Alertmanager"


class PushgatewayHook(_ReceiverHook):
    """Hook to a Prometheus Pushgateway."""

    conn_type = PUSHGATEWAY_TYPE
    default_conn_name = "mlmon_pushgateway_default"
    hook_name = "Prometheus Pushgateway (model monitoring)"
    kind = "Pushgateway"
