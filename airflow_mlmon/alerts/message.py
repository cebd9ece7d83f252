"""Message about the alerts of a day: subject, text and JSON, grouped by incident, the likely cause first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.lifecycle.incidents import ToldIncident, group_incidents
from airflow_mlmon.links import TraceLinks
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, AlertEvent, AlertLifecycle, AlertState, PartitionState

_SUBJECT_LENGTH = 200
_CAUSE_LENGTH = 300
_NO_LINKS = TraceLinks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(ABC):
    """Message to people, on any channel for them."""

    severity: str
    subject: str
    text: str
    payload: Mapping[str, Any]

    @property
    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """Return what a repeat of it has in common with it, and no other message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMessage(Message):
    """Notification about the alerts of one day."""

    partition: Partition

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the model, the day, and the events of the alerts."""
        told = sorted((alert["fingerprint"], alert.get("event", "opened")) for alert in self.payload["alerts"])
        return self.payload["model"], self.payload["partition"], *(word for pair in told for word in pair)


def day_message(
    state: PartitionState, alerts: Sequence[Alert], report: str = "", links: TraceLinks = _NO_LINKS
) -> DayMessage:
    """Build the message about the alerts of a day, grouped by incident.

    Incidents with a critical alert come first and resolved ones last, otherwise in the order of the alerts. An alert
    without a state was opened on its day.

    Args:
        state: day of the alerts.
        alerts: at least one.
        report: the address of the day's page.
        links: those to its trace and its log; without one to the log, that to its run in Airflow is given if known.

    Raises:
        ValueError: there is no alert.
    """
    if not alerts:
        raise ValueError("A message needs at least one alert.")
    incidents = group_incidents(map(_lifecycle_known, alerts), ends_apart=True)
    ordered = [alert for incident in incidents for alert in incident.alerts]
    severity = incidents[0].severity
    addresses = {"report": report, "trace": links.trace, "log": links.log or state.log}
    subject = plain(_subject(state, incidents), _SUBJECT_LENGTH)
    text = "".join(f"{line}\n" for line in _lines(state, incidents, addresses))
    return DayMessage(
        partition=state.partition,
        severity=severity,
        subject=subject,
        text=text,
        payload={
            "model": state.partition.model,
            "partition": state.partition.key,
            "start": state.partition.start.isoformat(),
            "end": state.partition.end.isoformat(),
            "status": state.status.value,
            "severity": severity,
            "subject": subject,
            "text": text,
            **addresses,
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


def _lifecycle_known(alert: Alert) -> Alert:
    if alert.lifecycle is not None:
        return alert
    day = alert.partition.day
    return replace(alert, lifecycle=AlertLifecycle(state=AlertState.OPEN, event=AlertEvent.OPENED, since=day, days=1))


def _lifecycle(alert: Alert) -> AlertLifecycle:
    if alert.lifecycle is None:
        raise ValueError("An alert in a message has a state.")
    return alert.lifecycle


def _is_resolved(alert: Alert) -> bool:
    return _lifecycle(alert).event is AlertEvent.RESOLVED


def _tag(alert: Alert) -> str:
    return "resolved" if _is_resolved(alert) else alert.severity


def _subject(state: PartitionState, incidents: Sequence[ToldIncident]) -> str:
    """Return the subject: the most severe cause, or that everything has resolved."""
    first = incidents[0]
    count = sum(len(incident.alerts) for incident in incidents)
    others = f" and {count - 1} more" if count > 1 else ""
    tag = "resolved" if first.is_over else first.severity
    return f"[{tag}] {state.partition}: {first.subject}{others}"


def _lines(state: PartitionState, incidents: Sequence[ToldIncident], addresses: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the text; the first names the likely cause of the most severe incident."""
    yield _heading(incidents[0])
    yield f"{state.partition}, status {state.status.value}"
    is_alone = not incidents[0].is_explained
    for incident in incidents:
        was_alone, is_alone = is_alone, not incident.is_explained
        if incident is not incidents[0] and not (was_alone and is_alone):
            yield "" if is_alone else f"\n{_heading(incident)}"
        for alert in incident.alerts:
            yield f"- {_tag(alert)}: {alert.text}{_course(alert)}"
    for name, address in addresses.items():
        if address:
            yield f"{name}: {address}"


def _heading(incident: ToldIncident) -> str:
    if incident.is_over:
        return f"Resolved: {plain(incident.subject)}"
    cause = plain(incident.cause, _CAUSE_LENGTH)
    return f"Likely cause: {cause}" if incident.is_explained else cause


def _course(alert: Alert) -> str:
    """Return the state of an alert; empty for one that has just opened."""
    lifecycle = _lifecycle(alert)
    if lifecycle.event is AlertEvent.OPENED and lifecycle.days == 1:
        return ""
    word = "worse: " if lifecycle.event is AlertEvent.WORSENED else ""
    return f" ({word}{lifecycle.words})"


def _as_json(alert: Alert) -> dict[str, Any]:
    lifecycle = _lifecycle(alert)
    return {
        "fingerprint": alert.fingerprint,
        "event": (lifecycle.event or AlertEvent.OPENED).value,
        "state": lifecycle.state.value,
        "since": lifecycle.since.isoformat(),
        "days": lifecycle.days,
        "resolved_on": lifecycle.resolved_on.isoformat() if lifecycle.resolved_on else None,
        "family": alert.family.value,
        **alert_content(alert),
    }
