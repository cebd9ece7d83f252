"""Senders of a model's channels, from Airflow's connections and notifiers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_mlmon.alerts.alertmanager import AlertmanagerSender
from airflow_mlmon.alerts.channels import LogSender, Sender, channels_of
from airflow_mlmon.alerts.message import DayMessage, Message
from airflow_mlmon.alerts.webhook import WebhookSender
from airflow_mlmon.hooks.endpoint import create_endpoint, read_signing_secret
from airflow_mlmon.pipeline.fleet.digest import DigestSender
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import Channel

if TYPE_CHECKING:
    from airflow_mlmon.notifications.airflow_notifier import NotifierSender

_ALERTS = logging.getLogger("airflow_mlmon.alerts")


def build_senders(run: Run, now: datetime) -> dict[str, Sender]:
    """Build a sender for each channel of the model, by the channel's name in the outbox.

    Args:
        run: run of the model.
        now: time of this pass.
    """
    channels = channels_of(run.spec, run.shared_channels)
    return {key: _ChannelSender(channel, run, now) for key, channel in channels.items()}


class _ChannelSender:
    """Sender of a channel, created when there is something to send.

    A missing connection thus fails the messages of its own channel only, and a day without messages
    needs no connection.
    """

    def __init__(self, channel: Channel, run: Run, now: datetime) -> None:
        self._channel = channel
        self._run = run
        self._now = now

    def send(self, message: DayMessage) -> None:
        self._made().send(message)

    def _made(self) -> Sender:
        channel = self._channel
        if channel.alertmanager is not None:
            return AlertmanagerSender(
                create_endpoint(channel.alertmanager, "Alertmanager"), self._now, self._run.spec.owner
            )
        return _sender_to_people(channel, self._now, self._draw)

    def _draw(self, message: Message) -> bytes | None:
        from airflow_mlmon.pipeline.pages.picture import draw_picture  # noqa: PLC0415 - few messages have a picture

        return draw_picture(self._run, message) if isinstance(message, DayMessage) else None


def build_digest_sender(channel: Channel, now: datetime) -> DigestSender:
    """Build the sender of morning messages on a channel.

    Raises:
        ConfigError: its connection or its notifier is wrong.
    """
    return _sender_to_people(channel, now, lambda _: None)


def _sender_to_people(
    channel: Channel, now: datetime, draw: Callable[[Message], bytes | None]
) -> NotifierSender | WebhookSender | LogSender:
    if channel.notifier is not None:
        from airflow_mlmon.notifications.airflow_notifier import NotifierSender  # noqa: PLC0415 - imports Airflow

        return NotifierSender(channel.notifier, channel.arguments, draw)
    if channel.webhook is not None:
        endpoint = create_endpoint(channel.webhook, "webhook")
        return WebhookSender(endpoint, now, read_signing_secret(channel.webhook))
    return LogSender(_ALERTS)
