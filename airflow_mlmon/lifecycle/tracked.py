"""Alerts over the days, as they stand now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from airflow_mlmon.records import AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedAlert:
    """One alert from its first breach until it resolved, in its current state.

    Attributes:
        title: Title of its last breach, as are the text, the cause and the value.
        severity: Worst severity of its breaches.
        since: First breaching day.
        opened: Day on which it opened.
        last_breached: Last breaching day.
        days: Number of breaching days.
        acknowledged_by: Person who acknowledged it.
        muted_until: Last muted day.
        resolved_on: Day on which it resolved.
        resolved_by: Person who resolved it; empty where healthy days did.
    """

    model: str
    fingerprint: str
    metric: str
    column: str | None
    segment: str | None
    title: str
    text: str
    cause: str
    value: float | None
    state: AlertState
    severity: str
    since: date
    opened: date
    last_breached: date
    days: int
    acknowledged_by: str = ""
    muted_until: date | None = None
    resolved_on: date | None = None
    resolved_by: str = ""
