"""Accepted incidents: what was accepted as the new normal is evaluated by the days since it began."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from airflow_mlmon.evaluation.evaluate import PartitionEvidence
from airflow_mlmon.evaluation.history import ongoing
from airflow_mlmon.records import MetricValue, SubjectKey
from airflow_mlmon.spec.metrics import DRIFT
from airflow_mlmon.statistics.dispersion import FEWEST_DAYS


def begin_anew(
    breached: Mapping[SubjectKey, Collection[date]], accepted: Mapping[SubjectKey, date], clears_after: int
) -> dict[SubjectKey, date]:
    """Return the first day of each incident that was last accepted: days before it show another level.

    Args:
        breached: the days in breach, accepted ones among them.
        accepted: the last accepted day.
        clears_after: the healthy days that end an incident.
    """
    found = {}
    for key, last in accepted.items():
        days = [day for day in breached.get(key, ()) if day <= last]
        if incident := ongoing(days, last + timedelta(days=1), clears_after):
            found[key] = min(incident)
    return found


def withhold_new_levels(evidence: PartitionEvidence, begun: Mapping[SubjectKey, date]) -> Sequence[MetricValue]:
    """Withhold from the evaluation what has too few days since its accepted incident began."""
    return [
        replace(value, withheld=value.withheld or _few_days(len(_past(evidence, value)), begun[value.key]))
        if value.key in begun
        else value
        for value in evidence.metrics
    ]


def _past(evidence: PartitionEvidence, value: MetricValue) -> Sequence[tuple[date, object]]:
    column = evidence.columns.get(str(value.column)) if value.metric == DRIFT and not value.segment else None
    return evidence.past.get(value.key, ()) if column is None else column.past


def _few_days(days: int, since: date) -> str:
    if days >= FEWEST_DAYS:
        return ""
    counted = "1 day" if days == 1 else f"{days} days"
    return f"{counted} since {since}, when an accepted change began, fewer than {FEWEST_DAYS}"
