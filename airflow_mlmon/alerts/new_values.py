"""Names of the new values in the alerts of their column: a person then need not look for them in the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.records import Alert, MetricValue
from airflow_mlmon.spec.metrics import DRIFT, NEW_CATEGORY_RATE
from airflow_mlmon.tasks.titles import new_values_text

_LENGTH, _IN_TITLE = 400, 100


def name_new_values(alerts: Iterable[Alert], metrics: Sequence[MetricValue]) -> list[Alert]:
    """Return the alerts with the new values of each column that has too many: on its new categories, and its drift."""
    alerts = list(alerts)
    too_many = {alert.column for alert in alerts if alert.metric == NEW_CATEGORY_RATE}
    told = {value.column: new_values_text(value) for value in metrics if value.new_values and value.column in too_many}
    return [
        _named(alert, told[alert.column])
        if alert.metric in {NEW_CATEGORY_RATE, DRIFT} and alert.column in told and alert.segment is None
        else alert
        for alert in alerts
    ]


def _named(alert: Alert, told: str) -> Alert:
    """Return the alert with the new values in its text and, of a new-category rate, in its title too."""
    title = f"{alert.title}: {plain(told, _IN_TITLE)}" if alert.metric == NEW_CATEGORY_RATE else alert.title
    return replace(alert, title=title, text=f"{alert.text}; {plain(told, _LENGTH)}")
