"""One message for a night: all its new alerts as subject, text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.alerts.breach import CRITICAL, plain
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, Night

_SUBJECT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NightMessage:
    """What people are told of a night."""

    partition: Partition
    severity: str
    subject: str
    text: str
    payload: Mapping[str, Any]


def night_message(night: Night, alerts: Sequence[Alert], report: str = "") -> NightMessage:
    """The message that tells of `alerts`, the critical ones first.

    Args:
        night: the night that they are of.
        alerts: at least one.
        report: the address of the night's page.

    Raises:
        ValueError: there is no alert; a night without a breach says nothing.
    """
    if not alerts:
        raise ValueError("A message has at least one alert.")
    ordered = sorted(alerts, key=lambda alert: (alert.severity != CRITICAL, alert.metric, alert.column or ""))
    others = f" and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    subject = plain(f"[{ordered[0].severity}] {night.partition}: {ordered[0].title}{others}", _SUBJECT_LENGTH)
    lines = [f"{alert.severity}: {alert.text}" for alert in ordered]
    text = f"{night.partition}, status {night.status.value}\n" + "".join(f"- {line}\n" for line in lines)
    text += f"report: {report}\n" if report else ""
    return NightMessage(
        partition=night.partition,
        severity=ordered[0].severity,
        subject=subject,
        text=text,
        payload={
            "model": night.partition.model,
            "partition": night.partition.key,
            "start": night.partition.start.isoformat(),
            "end": night.partition.end.isoformat(),
            "status": night.status.value,
            "severity": ordered[0].severity,
            "subject": subject,
            "text": text,
            "report": report,
            "alerts": [_as_json(alert) for alert in ordered],
        },
    )


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "family": alert.family.value,
        "metric": alert.metric,
        "column": alert.column,
        "severity": alert.severity,
        "title": alert.title,
        "text": alert.text,
        "value": alert.value,
    }
