"""Makes the senders of a spec's channels, from Airflow's connections and notifiers."""

from __future__ import annotations

import logging

from airflow_mlmon.alerts.channels import LogSender, Sender, channels_by_key
from airflow_mlmon.alerts.message import NightMessage
from airflow_mlmon.alerts.webhook import WebhookSender
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.spec import Channel, ModelSpec

_ALERTS = logging.getLogger("airflow_mlmon.alerts")


def build_senders(spec: ModelSpec) -> dict[str, Sender]:
    """A sender for each channel, by the channel's name in the outbox."""
    return {key: _ChannelSender(channel) for key, channel in channels_by_key(spec.alerts.channels).items()}


class _ChannelSender:
    """Makes its sender when there is something to send.

    So a connection that is missing fails the messages of its own channel, and no other; and a
    quiet night asks for no connection.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, message: NightMessage) -> None:
        _sender(self._channel).send(message)


def _sender(channel: Channel) -> Sender:
    if channel.notifier is not None:
        from airflow_mlmon.notifications.airflow_notifier import NotifierSender  # noqa: PLC0415 - imports Airflow

        return NotifierSender(channel.notifier, channel.arguments)
    if channel.webhook is not None:
        return _webhook(channel.webhook)
    return LogSender(_ALERTS)


def _webhook(conn_id: str) -> WebhookSender:
    """The webhook of an `http` connection: its host is the URL, the extra fields are below.

    `headers`: added to the request. `allow_private`: true where the receiver is in our own network.
    The password, when there is one, is sent as a bearer token.
    """
    found = connection(conn_id)
    extra = found.extra_dejson
    headers = dict(extra.get("headers") or {})
    if found.password:
        headers["Authorization"] = f"Bearer {found.password}"
    host = found.host or ""
    url = host if "://" in host else f"{found.schema or 'https'}://{host}" + (f":{found.port}" if found.port else "")
    return WebhookSender(url, headers, allow_private=bool(extra.get("allow_private")))
