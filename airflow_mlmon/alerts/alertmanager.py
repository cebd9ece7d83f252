"""Delivery of alerts to the Prometheus Alertmanager, API v2.

Alertmanager drops an alert after its end time (by default five minutes after the last post), and all alerts when it
restarts. So an open alert ends `KEPT` from now, and each day's run posts it again: it outlives a few missed runs, and
the alerts of an abandoned model end by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import DayMessage
from airflow_mlmon.spec.choices import CRITICAL, WARNING

KEPT = timedelta(days=7)
_PATH = "/api/v2/alerts"
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
        """Post the alerts in one request; any reply other than 2xx is an error."""
        alerts = to_alertmanager(message, self._now, self._owner)
        self._endpoint.send(json.dumps(alerts).encode(), {"Content-Type": "application/json"}, path=_PATH)


def to_alertmanager(message: DayMessage, now: datetime, owner: str) -> list[dict[str, Any]]:
    """Convert the alerts of a message to Alertmanager's format.

    Alertmanager identifies alerts by their labels, and the severity is a label. So an alert whose severity has changed,
    or that has ended, is also ended under the other severity.
    """
    found = []
    for alert in message.payload["alerts"]:
        is_open = alert.get("state") not in _ENDED
        found.append(_one(message, alert, owner, alert["severity"], now + KEPT if is_open else now))
        if not is_open or alert.get("event") == "worsened":
            other = WARNING if alert["severity"] == CRITICAL else CRITICAL
            found.append(_one(message, alert, owner, other, now))
    return found


def _one(message: DayMessage, alert: Mapping[str, Any], owner: str, severity: str, ends: datetime) -> dict[str, Any]:
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
    }
    begins = alert.get("since") or message.partition.key
    report = str(message.payload.get("report") or "")
    return {
        "labels": _given(labels),
        "annotations": _given(annotations),
        "startsAt": f"{begins}T00:00:00Z" if len(begins) == len("2026-03-01") else begins,
        "endsAt": ends.isoformat(),
        # Alertmanager rejects a file path, which is no URL
        **({"generatorURL": report} if "://" in report else {}),
    }


def _given(words: Mapping[str, str | None]) -> dict[str, str]:
    """Return the non-empty entries; Alertmanager treats an empty label as missing."""
    return {name: word for name, word in words.items() if word}
