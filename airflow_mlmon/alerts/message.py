"""One message for a night: all its new alerts as subject, text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_mlmon.alerts.breach import CRITICAL, plain
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, AlertEvent, AlertState, Night, Standing

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
    """The message that tells of `alerts`, the critical ones first and those that resolved last.

    An alert that does not say where it stands has opened on its night.

    Args:
        night: the night that they are of.
        alerts: at least one.
        report: the address of the night's page.

    Raises:
        ValueError: there is no alert; a night without a breach says nothing.
    """
    if not alerts:
        raise ValueError("A message has at least one alert.")
    ordered = sorted(map(_standing_known, alerts), key=_urgency)
    subject = plain(_subject(night, ordered), _SUBJECT_LENGTH)
    lines = [f"{_tag(alert)}: {alert.text}{_course(alert)}" for alert in ordered]
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


def _standing_known(alert: Alert) -> Alert:
    if alert.standing is not None:
        return alert
    day = alert.partition.day
    return replace(alert, standing=Standing(state=AlertState.OPEN, event=AlertEvent.OPENED, since=day, nights=1))


def _standing(alert: Alert) -> Standing:
    if alert.standing is None:
        raise ValueError("An alert in a message says where it stands.")
    return alert.standing


def _is_resolved(alert: Alert) -> bool:
    return _standing(alert).event is AlertEvent.RESOLVED


def _urgency(alert: Alert) -> tuple[bool, bool, str, str, str]:
    return _is_resolved(alert), alert.severity != CRITICAL, alert.metric, alert.column or "", alert.segment or ""


def _tag(alert: Alert) -> str:
    return "resolved" if _is_resolved(alert) else alert.severity


def _subject(night: Night, alerts: Sequence[Alert]) -> str:
    """What is open goes first; a message that only tells of ends says no more than that."""
    others = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"[{_tag(alerts[0])}] {night.partition}: {alerts[0].title}{others}"


def _course(alert: Alert) -> str:
    """What the reader cannot know from the breach alone: nothing of an alert that has just opened."""
    standing = _standing(alert)
    if standing.event is AlertEvent.OPENED and standing.nights == 1:
        return ""
    word = "worse: " if standing.event is AlertEvent.WORSENED else ""
    return f" ({word}{standing.words})"


def _as_json(alert: Alert) -> dict[str, Any]:
    standing = _standing(alert)
    return {
        "fingerprint": alert.fingerprint,
        "event": (standing.event or AlertEvent.OPENED).value,
        "state": standing.state.value,
        "since": standing.since.isoformat(),
        "nights": standing.nights,
        "resolved_on": standing.resolved_on.isoformat() if standing.resolved_on else None,
        "family": alert.family.value,
        "metric": alert.metric,
        "column": alert.column,
        "segment": alert.segment,
        "severity": alert.severity,
        "title": alert.title,
        "text": alert.text,
        "value": alert.value,
        "p_value": alert.p_value,
        "effect": alert.effect,
        "cause": alert.cause,
    }
