"""Grouping of a day's alerts into incidents, each under its likely cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.records import Alert, AlertState
from airflow_mlmon.spec.choices import CRITICAL

# separates a cause from its consequence
BY_ITSELF = " (by itself it would move the "


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldIncident:
    """Alerts with one likely cause, as shown to people.

    Attributes:
        cause: Likely cause in words; for a single alert, its title.
        alerts: At least one alert, in the order of evaluation.
    """

    cause: str
    alerts: tuple[Alert, ...]

    @property
    def title(self) -> str:
        """Cause without its consequence."""
        return self._own_cause or self.cause.partition(BY_ITSELF)[0]

    @property
    def subject(self) -> str:
        """Subject: that of the cause if it is among the alerts, else that of the first alert."""
        return self._own_cause or self.alerts[0].title

    @property
    def is_explained(self) -> bool:
        """Return whether any of its alerts follows from another."""
        return len(self.alerts) > 1 or not self._own_cause

    @property
    def _own_cause(self) -> str:
        return next((alert.title for alert in self.alerts if self.cause.startswith(alert.title)), "")

    @property
    def consequence(self) -> str:
        """Expected consequence of the cause; empty if unknown."""
        return self.cause.removeprefix(self.title).strip(" ()")

    @property
    def severity(self) -> str:
        """Worst severity of its alerts."""
        return worst(alert.severity for alert in self.alerts)

    @property
    def lifecycle(self) -> str:
        """Common state of its alerts in words; empty if they differ."""
        words = {alert.lifecycle.words if alert.lifecycle else "" for alert in self.alerts}
        return words.pop() if len(words) == 1 else ""

    @property
    def is_over(self) -> bool:
        """Return whether all of its alerts have resolved."""
        return all(map(_is_over, self.alerts))


def group_incidents(alerts: Iterable[Alert], *, ends_apart: bool = False) -> list[ToldIncident]:
    """Group alerts into incidents: critical ones first, then in the order of evaluation; resolved ones last.

    Args:
        alerts: alerts of any days.
        ends_apart: whether the resolved alerts of an incident form an incident of their own, as in a message.
    """
    found: dict[tuple[object, ...], list[Alert]] = {}
    for alert in alerts:
        key = (alert.partition, ends_apart and _is_over(alert), alert.cause or alert.title)
        found.setdefault(key, []).append(alert)
    incidents = [
        ToldIncident(cause=str(key[-1]), alerts=tuple(sorted(together, key=_follows)))
        for key, together in found.items()
    ]
    return sorted(incidents, key=lambda one: (one.is_over, one.severity != CRITICAL))


def _is_over(alert: Alert) -> bool:
    return alert.lifecycle is not None and alert.lifecycle.state is AlertState.RESOLVED


def _follows(alert: Alert) -> bool:
    """Return whether it is not the cause of its incident, which is sorted first."""
    return not alert.cause.startswith(alert.title)
