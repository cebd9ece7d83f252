"""One message for a night: all its new alerts as subject, text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_mlmon.alerts.breach import CRITICAL, plain
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, AlertEvent, AlertState, Night, Standing
from airflow_mlmon.spec.metrics import METRICS

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
    """The message that tells of `alerts`: the worst incident first, and in it its likely cause; what resolved last.

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
    ordered = _ordered([_standing_known(alert) for alert in alerts])
    subject = plain(_subject(night, ordered), _SUBJECT_LENGTH)
    lines = [f"{_tag(alert)}: {alert.text}{_course(alert)}" for alert in ordered]
    text = f"{night.partition}, status {night.status.value}\n" + "".join(f"- {line}\n" for line in lines)
    text += f"report: {report}\n" if report else ""
    return NightMessage(
        partition=night.partition,
        severity=_severity(ordered),
        subject=subject,
        text=text,
        payload={
            "model": night.partition.model,
            "partition": night.partition.key,
            "start": night.partition.start.isoformat(),
            "end": night.partition.end.isoformat(),
            "status": night.status.value,
            "severity": _severity(ordered),
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


def _ordered(alerts: Sequence[Alert]) -> list[Alert]:
    """The incidents by how much they matter, and each from its likely cause on."""
    incidents: dict[tuple[bool, str], list[Alert]] = {}
    for alert in sorted(alerts, key=_urgency):
        incidents.setdefault((_is_resolved(alert), alert.cause or alert.title), []).append(alert)
    return [alert for incident in sorted(incidents.values(), key=_weight) for alert in incident]


def _weight(incident: Sequence[Alert]) -> tuple[bool, bool, bool, float]:
    """What is critical goes first, then what the model shows in what it puts out, then by the effect of the cause."""
    has_consequence = any(alert.metric in METRICS and METRICS[alert.metric].of_model for alert in incident)
    first = incident[0]
    return _is_resolved(first), _severity(incident) != CRITICAL, not has_consequence, -abs(first.effect or 0.0)


def _urgency(alert: Alert) -> tuple[bool, bool, str, str, str]:
    is_consequence = not alert.cause.startswith(alert.title)
    return is_consequence, alert.severity != CRITICAL, alert.metric, alert.column or "", alert.segment or ""


def _severity(alerts: Sequence[Alert]) -> str:
    """The worst severity of what is open; where nothing is, of all."""
    found = [alert.severity for alert in alerts if not _is_resolved(alert)] or [alert.severity for alert in alerts]
    return CRITICAL if CRITICAL in found else found[0]


def _tag(alert: Alert) -> str:
    return "resolved" if _is_resolved(alert) else alert.severity


def _subject(night: Night, alerts: Sequence[Alert]) -> str:
    """What is open goes first; a message that only tells of ends says no more than that."""
    others = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    tag = "resolved" if _is_resolved(alerts[0]) else _severity(alerts)
    return f"[{tag}] {night.partition}: {alerts[0].title}{others}"


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
