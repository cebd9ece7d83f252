"""Senders of a model's channels, from Airflow's connections and notifiers."""

from __future__ import annotations

import logging
from datetime import datetime

from airflow_mlmon.alerts.alertmanager import AlertmanagerSender
from airflow_mlmon.alerts.channels import LogSender, Sender, channels_of
from airflow_mlmon.alerts.message import DayMessage
from airflow_mlmon.alerts.webhook import WebhookSender
from airflow_mlmon.hooks.endpoint import create_endpoint, read_signing_secret
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import Channel

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
        if channel.notifier is not None:
            from airflow_mlmon.notifications.airflow_notifier import NotifierSender  # noqa: PLC0415 - imports Airflow

            return NotifierSender(channel.notifier, channel.arguments, self._draw)
        if channel.webhook is not None:
            endpoint = create_endpoint(channel.webhook, "webhook")
            return WebhookSender(endpoint, self._now, read_signing_secret(channel.webhook))
        if channel.alertmanager is not None:
            return AlertmanagerSender(
                create_endpoint(channel.alertmanager, "Alertmanager"), self._now, self._run.spec.owner
            )
        return LogSender(_ALERTS)

    def _draw(self, message: DayMessage) -> bytes | None:
        from airflow_mlmon.pipeline.pages.picture import draw_picture  # noqa: PLC0415 - few messages have a picture

        return draw_picture(self._run, message)
