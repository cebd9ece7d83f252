"""Hands alerts to Prometheus' Alertmanager, by its API v2.

Alertmanager forgets an alert whose end has come, by default five minutes after it was last told of, and
all of them when it starts anew. An open alert therefore ends `KEPT` from now, and every night's run tells
of it again. So it outlives some nights that do not run, and a model that is given up does not fire for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import NightMessage
from airflow_mlmon.spec.choices import CRITICAL, WARNING

KEPT = timedelta(days=7)
_PATH = "/api/v2/alerts"
# of these states nobody is to be told any more
_ENDED = frozenset({"resolved", "muted"})


class AlertmanagerSender:
    """Posts each alert of a night, as firing or as resolved.

    Args:
        endpoint: the Alertmanager.
        now: when what is resolved ended, and what is open begins to be kept.
        owner: who answers for the model.
    """

    def __init__(self, endpoint: Endpoint, now: datetime, owner: str) -> None:
        self._endpoint = endpoint
        self._now = now
        self._owner = owner

    def send(self, message: NightMessage) -> None:
        """Post the alerts in one request; anything but a reply of 2xx is an error."""
        alerts = to_alertmanager(message, self._now, self._owner)
        self._endpoint.send(json.dumps(alerts).encode(), {"Content-Type": "application/json"}, path=_PATH)


def to_alertmanager(message: NightMessage, now: datetime, owner: str) -> list[dict[str, Any]]:
    """The alerts of a message as Alertmanager takes them.

    Its alerts are told apart by their labels, and the severity is one. So an alert that has changed its
    severity, or has ended, ends with the other severity too.
    """
    found = []
    for alert in message.payload["alerts"]:
        is_open = alert.get("state") not in _ENDED
        found.append(_one(message, alert, owner, alert["severity"], now + KEPT if is_open else now))
        if not is_open or alert.get("event") == "worsened":
            other = WARNING if alert["severity"] == CRITICAL else CRITICAL
            found.append(_one(message, alert, owner, other, now))
    return found


def _one(message: NightMessage, alert: Mapping[str, Any], owner: str, severity: str, ends: datetime) -> dict[str, Any]:
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
        # a path of a file is no URL, and Alertmanager would refuse it
        **({"generatorURL": report} if "://" in report else {}),
    }


def _given(words: Mapping[str, str | None]) -> dict[str, str]:
    """Those that say something; for Alertmanager an empty label is no label."""
    return {name: word for name, word in words.items() if word}
