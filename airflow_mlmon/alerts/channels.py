"""Channels of the spec with stable names, and the interface of a sender."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from airflow_mlmon.alerts.message import DayMessage, Message
from airflow_mlmon.records import AlertState
from airflow_mlmon.spec.alerts import Channel, SharedChannel
from airflow_mlmon.spec.choices import CRITICAL, WARNING
from airflow_mlmon.spec.model import ModelSpec

_Channel = TypeVar("_Channel", bound=Channel)


class Sender(Protocol):
    """Interface that sends the message of a day on one channel."""

    def send(self, message: DayMessage) -> None:
        """Send the message and return when the receiver has confirmed it.

        Raises:
            MlmonError: the message did not arrive, or its arrival is unknown.
        """


def channels_by_key(channels: Iterable[Channel]) -> dict[str, Channel]:
    """Return the channels by their names in the outbox; channels of one name are one, with the lowest severity.

    >>> list(channels_by_key([Channel(log=True), Channel(webhook="ops"), Channel(notifier="a.B")]))
    ['log', 'webhook:ops', 'notifier:a.B#1']
    """
    return _by_key(_named(channels))


def channels_of(spec: ModelSpec, shared: Sequence[SharedChannel]) -> dict[str, Channel]:
    """Return the channels of a model by their names in the outbox: its own and the shared ones of the deployment.

    Where both have the same channel, the spec takes precedence. Shared notifiers are counted before those of other
    models are left out, so that their names stay the same when another model is added or removed.
    """
    for_model = [(key, channel) for key, channel in name_shared(shared) if channel.is_for(spec.model, spec.owner)]
    return _by_key(for_model) | channels_by_key(spec.alerts.channels)


def name_shared(shared: Iterable[SharedChannel]) -> Iterator[tuple[str, SharedChannel]]:
    """Yield the shared channels of a deployment with their names in the outbox."""
    for key, channel in _named(shared):
        yield f"shared:{key}" if channel.notifier is not None else key, channel


def _named(channels: Iterable[_Channel]) -> Iterator[tuple[str, _Channel]]:
    count: Counter[str] = Counter()
    for channel in channels:
        if channel.notifier is not None:
            count[channel.notifier] += 1
            yield f"notifier:{channel.notifier}#{count[channel.notifier]}", channel
        elif channel.alertmanager is not None:
            yield f"alertmanager:{channel.alertmanager}", channel
        else:
            yield "log" if channel.log else f"webhook:{channel.webhook}", channel


def _by_key(named: Iterable[tuple[str, Channel]]) -> dict[str, Channel]:
    keyed: dict[str, Channel] = {}
    for key, channel in named:
        if key not in keyed or channel.tells(WARNING):
            keyed[key] = channel
    return keyed


class LogSender:
    """Sender that writes each alert, or each line of a morning message, to the log."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def send(self, message: Message) -> None:
        """Log critical alerts as errors, the others as warnings, and the rest as information."""
        if not isinstance(message, DayMessage):
            for line in filter(None, (message.subject, *message.text.splitlines())):
                self._logger.info("%s", line)
            return
        for alert in message.payload["alerts"]:
            if alert["state"] == AlertState.RESOLVED:
                self._logger.info("%s: resolved: %s", message.partition, alert["title"])
                continue
            level = logging.ERROR if alert["severity"] == CRITICAL else logging.WARNING
            self._logger.log(level, "%s: %s: %s", message.partition, alert["severity"], alert["text"])
