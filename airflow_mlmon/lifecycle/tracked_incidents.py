"""Alerts over the days that have not resolved, grouped into incidents, each under its likely cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from airflow_mlmon.lifecycle.incidents import BY_ITSELF
from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.records import AlertState
from airflow_mlmon.spec.choices import CRITICAL

# from the state that needs somebody to the one that needs nobody
OPEN_STATES = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.MUTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """Last message about an alert that arrived."""

    channel: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedIncident:
    """Alerts of a model with one likely cause that have not resolved.

    Attributes:
        cause: Likely cause in words; for a single alert, its title.
        alerts: At least one, the cause first.
        message: Last message about any of them that arrived.
    """

    model: str
    cause: str
    alerts: tuple[TrackedAlert, ...]
    message: SentMessage | None = None

    @property
    def title(self) -> str:
        """Return the cause without its consequence."""
        return self.cause.partition(BY_ITSELF)[0]

    @property
    def consequence(self) -> str:
        """Return the expected consequence of the cause; empty if unknown."""
        return self.cause.removeprefix(self.title).strip(" ()")

    @property
    def severity(self) -> str:
        """Return the worst severity of its alerts."""
        return worst(alert.severity for alert in self.alerts)

    @property
    def state(self) -> AlertState:
        """Return open if any of its alerts is, else acknowledged if any is, else muted."""
        found = {AlertState.OPEN if alert.state not in OPEN_STATES else alert.state for alert in self.alerts}
        return next(state for state in OPEN_STATES if state in found)

    @property
    def since(self) -> date:
        """Return its first breaching day."""
        return min(alert.since for alert in self.alerts)

    @property
    def last_breached(self) -> date:
        """Return its last breaching day."""
        return max(alert.last_breached for alert in self.alerts)

    @property
    def days(self) -> int:
        """Return the number of breaching days of the alert that has most."""
        return max(alert.days for alert in self.alerts)

    @property
    def fingerprints(self) -> list[str]:
        """Return the fingerprints of its alerts."""
        return [alert.fingerprint for alert in self.alerts]

    @property
    def people(self) -> list[str]:
        """Return the people who acknowledged any of its alerts."""
        return sorted({alert.acknowledged_by for alert in self.alerts if alert.acknowledged_by})

    @property
    def muted_until(self) -> date | None:
        """Return the last day on which any of its alerts is muted."""
        return max((alert.muted_until for alert in self.alerts if alert.muted_until), default=None)

    @property
    def states(self) -> list[str]:
        """Return the states of its alerts, with the person who acknowledged them and the last muted day."""
        return list(dict.fromkeys(map(_state_words, self.alerts)))


def group_tracked(alerts: Iterable[TrackedAlert]) -> list[TrackedIncident]:
    """Group alerts of any models by their likely cause: open ones first, then critical ones, then the newest."""
    found: dict[tuple[str, str], list[TrackedAlert]] = {}
    for alert in alerts:
        found.setdefault((alert.model, alert.cause or alert.title), []).append(alert)
    incidents = [
        TrackedIncident(model=model, cause=cause, alerts=tuple(sorted(together, key=lambda one: _follows(one, cause))))
        for (model, cause), together in found.items()
    ]
    return sorted(incidents, key=_rank)


def _follows(alert: TrackedAlert, cause: str) -> bool:
    """Return whether it is not the cause of its incident, which is sorted first."""
    return not cause.startswith(alert.title)


def _rank(incident: TrackedIncident) -> tuple[int, bool, int, str, str]:
    is_minor = incident.severity != CRITICAL
    return OPEN_STATES.index(incident.state), is_minor, -incident.since.toordinal(), incident.model, incident.cause


def _state_words(alert: TrackedAlert) -> str:
    if alert.muted_until is not None:
        return f"muted until {alert.muted_until}"
    return f"{alert.state} by {alert.acknowledged_by}" if alert.acknowledged_by else str(alert.state)
