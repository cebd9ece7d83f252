"""Delivery of alerts to the Prometheus Alertmanager, API v2.

Alertmanager drops an alert after its end time (by default five minutes after the last post), and all alerts when it
restarts. So an open alert ends `KEPT` from now, and each day's run posts it again: it outlives a few missed runs, and
the alerts of an abandoned model end by themselves.

Alertmanager refuses a whole request for one alert that it does not take, such as one that ends before it starts; so no
alert starts later than now, and those of a refused request are posted apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import DayMessage
from airflow_mlmon.errors import ServiceRejectedError
from airflow_mlmon.spec.choices import CRITICAL, WARNING

KEPT = timedelta(days=7)
_PATH = "/api/v2/alerts"
_INVALID = 400
_INSTANT = timedelta(seconds=1)
# states without further notification
_ENDED = frozenset({"resolved", "muted"})


class AlertmanagerSender:
    """Sender that posts each alert of a day, as firing or as resolved.

    Args:
        endpoint: the Alertmanager.
        now: end time of resolved alerts, and start of `KEPT` for open ones.
        owner: owner of the model.
    """

    def __init__(self, endpoint: Endpoint, now: datetime, owner: str) -> None:
        self._endpoint = endpoint
        self._now = now
        self._owner = owner

    def send(self, message: DayMessage) -> None:
        """Post the alerts in one request, or apart if that is refused as invalid; any reply other than 2xx is an error.

        Raises:
            ServiceRejectedError: Alertmanager refuses some alerts; their fingerprints are in `refused`.
        """
        alerts = message.payload["alerts"]
        try:
            self._post(message, alerts)
        except ServiceRejectedError as error:
            if error.status != _INVALID or len(alerts) == 1:
                raise
            self._post_apart(message, alerts)

    def _post_apart(self, message: DayMessage, alerts: Sequence[Mapping[str, Any]]) -> None:
        refused = {}
        for alert in alerts:
            try:
                self._post(message, [alert])
            except ServiceRejectedError as error:
                refused[alert["fingerprint"]] = f"{alert['title']}: {error.message}"
        if refused:
            raise ServiceRejectedError("; ".join(refused.values()), refused=tuple(refused))

    def _post(self, message: DayMessage, alerts: Sequence[Mapping[str, Any]]) -> None:
        content = to_alertmanager(message, alerts, self._now, self._owner)
        self._endpoint.send(json.dumps(content).encode(), {"Content-Type": "application/json"}, path=_PATH)


def to_alertmanager(
    message: DayMessage, alerts: Sequence[Mapping[str, Any]], now: datetime, owner: str
) -> list[dict[str, Any]]:
    """Convert alerts of a message to Alertmanager's format.

    Alertmanager identifies alerts by their labels, and the severity is a label. So an alert whose severity has changed,
    or that has ended, is also ended under the other severity.
    """
    found = []
    for alert in alerts:
        is_open = alert.get("state") not in _ENDED
        kept = KEPT if is_open else timedelta()
        found.append(_one(message, alert, owner=owner, severity=alert["severity"], now=now, kept=kept))
        if not is_open or alert.get("event") == "worsened":
            other = WARNING if alert["severity"] == CRITICAL else CRITICAL
            found.append(_one(message, alert, owner=owner, severity=other, now=now, kept=timedelta()))
    return found


def _one(
    message: DayMessage, alert: Mapping[str, Any], *, owner: str, severity: str, now: datetime, kept: timedelta
) -> dict[str, Any]:
    labels = {
        "alertname": f"mlmon_{alert['metric']}",
        "model": message.partition.model,
        "metric": alert["metric"],
        "column": alert["column"],
        "segment": alert.get("segment"),
        "severity": severity,
        "owner": owner,
    }
    annotations = {
        "summary": alert["title"],
        "description": alert["text"],
        "cause": alert.get("cause"),
        "since": alert.get("since"),
        "partition": message.partition.key,
        "fingerprint": alert["fingerprint"],
        "trace_url": message.payload.get("trace"),
        "log_url": message.payload.get("log"),
    }
    begins = datetime.fromisoformat(alert.get("since") or message.partition.start.isoformat())
    begins = begins.replace(tzinfo=begins.tzinfo or UTC)
    report = str(message.payload.get("report") or "")
    return {
        "labels": _given(labels),
        "annotations": _given(annotations),
        # the day of an alert may not be over yet
        "startsAt": min(begins, now - _INSTANT).isoformat(),
        "endsAt": (now + kept).isoformat(),
        # Alertmanager rejects a file path, which is no URL
        **({"generatorURL": report} if "://" in report else {}),
    }


def _given(words: Mapping[str, str | None]) -> dict[str, str]:
    """Return the non-empty entries; Alertmanager treats an empty label as missing."""
    return {name: word for name, word in words.items() if word}
