"""Message about the alerts of a day: subject, text and JSON, grouped by incident, the likely cause first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.lifecycle.incidents import ToldIncident, group_incidents
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, AlertEvent, AlertLifecycle, AlertState, Night

_SUBJECT_LENGTH = 200
_CAUSE_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class NightMessage:
    """Notification about the alerts of one day."""

    partition: Partition
    severity: str
    subject: str
    text: str
    payload: Mapping[str, Any]


def night_message(night: Night, alerts: Sequence[Alert], report: str = "") -> NightMessage:
    """Build the message about the alerts of a day, grouped by incident.

    Incidents with a critical alert come first and resolved ones last, otherwise in the order of the alerts. An alert
    without a state was opened on its day.

    Args:
        night: the day of the alerts.
        alerts: at least one.
        report: the address of the day's page.

    Raises:
        ValueError: there is no alert.
    """
    if not alerts:
        raise ValueError("A message needs at least one alert.")
    incidents = group_incidents(map(_standing_known, alerts), ends_apart=True)
    ordered = [alert for incident in incidents for alert in incident.alerts]
    severity = incidents[0].severity
    subject = plain(_subject(night, incidents), _SUBJECT_LENGTH)
    text = "".join(f"{line}\n" for line in _lines(night, incidents, report))
    return NightMessage(
        partition=night.partition,
        severity=severity,
        subject=subject,
        text=text,
        payload={
            "model": night.partition.model,
            "partition": night.partition.key,
            "start": night.partition.start.isoformat(),
            "end": night.partition.end.isoformat(),
            "status": night.status.value,
            "severity": severity,
            "subject": subject,
            "text": text,
            "report": report,
            "alerts": [_as_json(alert) for alert in ordered],
        },
    )


def alert_content(alert: Alert) -> dict[str, Any]:
    """Convert an alert to JSON, the same for all receivers."""
    return {
        "metric": alert.metric,
        "column": alert.column,
        "segment": alert.segment,
        "severity": alert.severity,
        "title": alert.title,
        "text": alert.text,
        "value": alert.value,
        "p_value": alert.p_value,
        "effect": alert.effect,
        "cause": alert.cause or alert.title,
    }


def _standing_known(alert: Alert) -> Alert:
    if alert.standing is not None:
        return alert
    day = alert.partition.day
    return replace(alert, standing=AlertLifecycle(state=AlertState.OPEN, event=AlertEvent.OPENED, since=day, nights=1))


def _standing(alert: Alert) -> AlertLifecycle:
    if alert.standing is None:
        raise ValueError("An alert in a message has a state.")
    return alert.standing


def _is_resolved(alert: Alert) -> bool:
    return _standing(alert).event is AlertEvent.RESOLVED


def _tag(alert: Alert) -> str:
    return "resolved" if _is_resolved(alert) else alert.severity


def _subject(night: Night, incidents: Sequence[ToldIncident]) -> str:
    """Return the subject: the most severe cause, or that everything has resolved."""
    first = incidents[0]
    count = sum(len(incident.alerts) for incident in incidents)
    others = f" and {count - 1} more" if count > 1 else ""
    tag = "resolved" if first.is_over else first.severity
    return f"[{tag}] {night.partition}: {first.subject}{others}"


def _lines(night: Night, incidents: Sequence[ToldIncident], report: str) -> Iterator[str]:
    """Yield the lines of the text; the first names the likely cause of the most severe incident."""
    yield _heading(incidents[0])
    yield f"{night.partition}, status {night.status.value}"
    is_alone = not incidents[0].is_explained
    for incident in incidents:
        was_alone, is_alone = is_alone, not incident.is_explained
        if incident is not incidents[0] and not (was_alone and is_alone):
            yield "" if is_alone else f"\n{_heading(incident)}"
        for alert in incident.alerts:
            yield f"- {_tag(alert)}: {alert.text}{_course(alert)}"
    if report:
        yield f"report: {report}"


def _heading(incident: ToldIncident) -> str:
    if incident.is_over:
        return f"Resolved: {plain(incident.subject)}"
    cause = plain(incident.cause, _CAUSE_LENGTH)
    return f"Likely cause: {cause}" if incident.is_explained else cause


def _course(alert: Alert) -> str:
    """Return the state of an alert; empty for one that has just opened."""
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
        **alert_content(alert),
    }
