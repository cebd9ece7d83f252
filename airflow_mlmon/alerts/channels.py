"""The channels of the spec by a name that stays, and what every channel can do."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from airflow_mlmon.alerts.breach import CRITICAL
from airflow_mlmon.alerts.message import NightMessage
from airflow_mlmon.records import AlertState
from airflow_mlmon.spec.alerts import Channel


class Sender(Protocol):
    """Sends the message of a night on one channel."""

    def send(self, message: NightMessage) -> None:
        """Send the message and return when the receiver has confirmed it.

        Raises:
            MlmonError: it did not arrive, or nobody knows.
        """


def channels_by_key(channels: Iterable[Channel]) -> dict[str, Channel]:
    """The channels by the name that the outbox knows them by; equal ones are one.

    >>> list(channels_by_key([Channel(log=True), Channel(webhook="ops"), Channel(notifier="a.B")]))
    ['log', 'webhook:ops', 'notifier:a.B#1']
    """
    keyed: dict[str, Channel] = {}
    count: dict[str, int] = {}
    for channel in channels:
        if channel.notifier is not None:
            count[channel.notifier] = count.get(channel.notifier, 0) + 1
            key = f"notifier:{channel.notifier}#{count[channel.notifier]}"
        else:
            key = "log" if channel.log else f"webhook:{channel.webhook}"
        keyed[key] = channel
    return keyed


class LogSender:
    """Writes each alert to a log, on a line of its own."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def send(self, message: NightMessage) -> None:
        """Log the alerts: critical ones as errors, the others as warnings, and those that resolved as news."""
        for alert in message.payload["alerts"]:
            if alert["state"] == AlertState.RESOLVED:
                self._logger.info("%s: resolved: %s", message.partition, alert["title"])
                continue
            level = logging.ERROR if alert["severity"] == CRITICAL else logging.WARNING
            self._logger.log(level, "%s: %s: %s", message.partition, alert["severity"], alert["text"])
