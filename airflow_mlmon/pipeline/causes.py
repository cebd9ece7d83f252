"""Names the likely cause with each alert of a night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.judgement.incidents import Incident
from airflow_mlmon.records import Alert
from airflow_mlmon.spec.metrics import METRICS

_LENGTH = 250


def name_causes(alerts: Sequence[Alert], incidents: Sequence[Incident], before: Sequence[Alert] = ()) -> list[Alert]:
    """The alerts with their likely cause, those of an incident together and its cause first.

    What belongs to no incident, such as a breach of a rule, is its own cause and comes before the others.

    Args:
        alerts: those of one family of results.
        incidents: what belongs together among them.
        before: alerts of the same night that were found before its labels came, and may explain its performance.
    """
    likely = _likely_cause(before)
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
        replace(alert, cause=likely)
        if likely and _is_of_model(alert)
        else replace(alert, cause=causes.get((alert.metric, alert.column, alert.segment), alone)[1] or alert.title)
        for alert in ordered
    ]


def _likely_cause(alerts: Sequence[Alert]) -> str:
    """The cause of the incident that shows in what the model puts out, or else has the largest effect."""
    found = [alert for alert in alerts if alert.p_value is not None and alert.cause]
    found.sort(key=lambda alert: (not _is_of_model(alert), -abs(alert.effect or 0.0)))
    return found[0].cause if found else ""


def _is_of_model(alert: Alert) -> bool:
    return alert.metric in METRICS and METRICS[alert.metric].of_model


def _consequence(incident: Incident) -> str:
    if incident.shift is None:
        return ""
    return f" (by itself it would move the mean score by {incident.shift:+.3g})"
