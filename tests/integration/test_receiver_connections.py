"""The test button of the connections to real receivers: a web server, an Alertmanager, a push gateway."""

from __future__ import annotations

import json

import pytest

from airflow_mlmon.alerts.webhook import SIGNATURE, signature
from airflow_mlmon.hooks.receiver_connections import RECEIVER_CONNECTIONS
from airflow_mlmon.hooks.receivers import AlertmanagerHook, PushgatewayHook, WebhookHook
from tests.support.inbox import web_server
from tests.support.processes import free_port
from tests.support.prometheus import Alertmanager, PushGateway

HOOKS = (WebhookHook, AlertmanagerHook, PushgatewayHook)


@pytest.fixture
def connect(monkeypatch):
    def _connect(hook, url, **extra):
        fields = {"conn_type": hook.conn_type, "host": url, "extra": {"allow_private": True} | extra}
        monkeypatch.setenv("AIRFLOW_CONN_RECEIVER", json.dumps(fields))
        return hook("receiver")

    return _connect


def test_the_forms_are_valid_for_airflow_and_name_their_hooks():
    from airflow.providers_manager import _create_provider_info_schema_validator  # noqa: PLC0415 - loads much

    info = {"package-name": "x", "name": "x", "description": "x", "connection-types": RECEIVER_CONNECTIONS}
    _create_provider_info_schema_validator().validate(info)

    for form, hook in zip(RECEIVER_CONNECTIONS, HOOKS, strict=True):
        assert form["hook-class-name"] == f"{hook.__module__}.{hook.__qualname__}"
        assert (form["connection-type"], form["hook-name"]) == (hook.conn_type, hook.hook_name)


@pytest.mark.service
@pytest.mark.parametrize(("hook", "server"), [(AlertmanagerHook, Alertmanager), (PushgatewayHook, PushGateway)])
def test_a_server_of_prometheus_that_is_ready_passes(connect, tmp_path, hook, server):
    with server(tmp_path) as receiver:
        assert connect(hook, receiver.url).test_connection() == (True, f"The {hook.kind} replies.")


def test_a_webhook_gets_a_signed_message_that_says_it_is_a_test(connect):
    with web_server() as inbox:
        works, message = connect(WebhookHook, inbox.url, signing_secret="key").test_connection()

    assert works, message
    assert inbox.posts == [{"event": "test", "text": "Test of the connection from Airflow; no model has an alert."}]
    moment = int(inbox.headers[0][SIGNATURE].split(",")[0].removeprefix("t="))
    assert inbox.headers[0][SIGNATURE] == signature("key", inbox.bodies[0], moment)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_receiver_that_is_not_there_or_refuses_is_said_so(connect, hook):
    works, message = connect(hook, f"http://127.0.0.1:{free_port()}").test_connection()
    assert (works, f"The {hook.kind} at 127.0.0.1 cannot be reached" in message) == (False, True)

    works, message = connect(hook, "http://127.0.0.1", allow_private=False).test_connection()
    assert not works
    assert "allow_private" in message
