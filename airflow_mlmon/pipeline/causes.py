"""Names the likely cause with each alert of a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.judgement.incidents import Incident
from airflow_mlmon.records import Alert

_LENGTH = 250


def name_causes(alerts: Sequence[Alert], incidents: Sequence[Incident]) -> list[Alert]:
    """The alerts with their likely cause, those of an incident together and its cause first.

    What belongs to no incident, such as a breach of a rule, is its own cause and comes before the others.
    """
    titles = {(alert.metric, alert.column, alert.segment): alert.title for alert in alerts}
    causes: dict[tuple[str, str | None, str | None], tuple[tuple[int, int], str]] = {}
    for position, incident in enumerate(incidents, 1):
        first = incident.cause
        title = titles.get((first.metric, first.column, first.segment), first.metric)
        for place, breach in enumerate(incident.breaches):
            words = f"{title}{_consequence(incident)}"
            causes[breach.metric, breach.column, breach.segment] = (position, place), plain(words, _LENGTH)
    alone = ((0, 0), "")
    ordered = sorted(alerts, key=lambda alert: causes.get((alert.metric, alert.column, alert.segment), alone)[0])
    return [
        replace(alert, cause=causes.get((alert.metric, alert.column, alert.segment), alone)[1] or alert.title)
        for alert in ordered
    ]


def _consequence(incident: Incident) -> str:
    if incident.shift is None:
        return ""
    return f" (by itself it would move the mean score by {incident.shift:+.3g})"
