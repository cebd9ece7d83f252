"""Alerts of a night that stand together: those of one incident, under its likely cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_mlmon.lifecycle.course import worst
from airflow_mlmon.records import Alert, AlertState
from airflow_mlmon.spec.choices import CRITICAL

# between a cause and what it would lead to
BY_ITSELF = " (by itself it would move the mean score by "


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldIncident:
    """Alerts with one likely cause, as people see them.

    Attributes:
        cause: What that is, in words; of an alert alone its title.
        alerts: At least one, in the order in which they were judged.
    """

    cause: str
    alerts: tuple[Alert, ...]

    @property
    def title(self) -> str:
        """The cause without what it would lead to."""
        return self._own_cause or self.cause.partition(BY_ITSELF)[0]

    @property
    def subject(self) -> str:
        """What it is about: the cause where that is among its alerts, else the first of what follows from it."""
        return self._own_cause or self.alerts[0].title

    @property
    def is_explained(self) -> bool:
        """Whether anything of it follows from something else."""
        return len(self.alerts) > 1 or not self._own_cause

    @property
    def _own_cause(self) -> str:
        return next((alert.title for alert in self.alerts if self.cause.startswith(alert.title)), "")

    @property
    def consequence(self) -> str:
        """What the cause would lead to by itself; empty where that is not known."""
        return self.cause.removeprefix(self.title).strip(" ()")

    @property
    def severity(self) -> str:
        """The worst of its alerts."""
        return worst(alert.severity for alert in self.alerts)

    @property
    def standing(self) -> str:
        """Where its alerts stand, in words; empty where they do not stand alike."""
        words = {alert.standing.words if alert.standing else "" for alert in self.alerts}
        return words.pop() if len(words) == 1 else ""

    @property
    def is_over(self) -> bool:
        """Whether all of its alerts have resolved."""
        return all(map(_is_over, self.alerts))


def incidents_of(alerts: Iterable[Alert], *, ends_apart: bool = False) -> list[ToldIncident]:
    """The incidents among the alerts: critical ones first, then as judged; those that are over last.

    Args:
        alerts: of any nights.
        ends_apart: whether the alerts of an incident that have resolved are one of their own, as in a message.
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
    return alert.standing is not None and alert.standing.state is AlertState.RESOLVED


def _follows(alert: Alert) -> bool:
    """Whether it is not the cause of its incident, which goes first."""
    return not alert.cause.startswith(alert.title)
